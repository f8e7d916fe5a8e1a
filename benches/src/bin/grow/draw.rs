//! A plot: both axes by powers of ten.

use std::path::Path;

use plotters::prelude::*;

pub(crate) struct Plot {
    /// Of the file, and of its rows.
    pub(crate) name: &'static str,
    pub(crate) title: String,
    pub(crate) x: &'static str,
    pub(crate) y: &'static str,
    pub(crate) points: Vec<(f64, f64)>,
}

impl Plot {
    pub(crate) fn draw(&self, folder: &Path) {
        let file = folder.join(format!("{}.svg", self.name));
        let area = SVGBackend::new(&file, (720, 400)).into_drawing_area();
        area.fill(&WHITE).expect("a file that can be written");
        let range = |values: Vec<f64>| {
            let least = values.iter().copied().fold(f64::INFINITY, f64::min);
            let most = values.iter().copied().fold(0.0, f64::max);
            // Whole powers of ten: so a line that looks flat is flat.
            10_f64.powf(least.log10().floor())..10_f64.powf((most * 1.0001).log10().ceil())
        };
        let x = range(self.points.iter().map(|point| point.0).collect());
        let y = range(self.points.iter().map(|point| point.1).collect());
        let mut chart = ChartBuilder::on(&area)
            .caption(&self.title, ("sans-serif", 18))
            .margin(12)
            .x_label_area_size(40)
            .y_label_area_size(80)
            .build_cartesian_2d(x.log_scale(), y.log_scale())
            .expect("room for it");
        let label = |value: &f64| format!("{value}");
        chart
            .configure_mesh()
            .x_desc(self.x)
            .y_desc(self.y)
            .x_label_formatter(&label)
            .y_label_formatter(&label)
            .light_line_style(WHITE)
            .draw()
            .expect("axes");
        chart.draw_series(LineSeries::new(self.points.iter().copied(), &BLUE)).expect("a line");
        let dots = self.points.iter().map(|point| Circle::new(*point, 3, BLUE.filled()));
        chart.draw_series(dots).expect("dots");
        area.present().expect("a file that can be written");
    }
}
