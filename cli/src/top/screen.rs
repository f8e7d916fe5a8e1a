//! What is shown.

use ratatui::Frame;
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Paragraph};

use super::figures::{Disk, Sample, Work};
use super::watch::View;

/// Draws all monitors, one below the other.
pub(super) fn draw(frame: &mut Frame<'_>, views: &[View]) {
    let block = Block::bordered().title(" qmp top ").title_bottom(" q ends it ");
    frame.render_widget(Paragraph::new(lines(views)).block(block), frame.area());
}

/// What there is to be shown, line by line.
pub(super) fn lines(views: &[View]) -> Vec<Line<'static>> {
    views.iter().flat_map(of).collect()
}

fn of(view: &View) -> Vec<Line<'static>> {
    let (status, color) = match (&view.lost, &view.sample) {
        (Some(_), _) => ("lost", Color::Red),
        (None, None) => ("…", Color::DarkGray),
        (None, Some(sample)) if sample.status == "running" => ("running", Color::Green),
        (None, Some(sample)) => (sample.status.as_str(), Color::Yellow),
    };
    let mut lines = vec![Line::from(vec![
        Span::styled(printable(&view.socket), Style::new().add_modifier(Modifier::BOLD)),
        Span::raw("  "),
        Span::styled(printable(status), Style::new().fg(color)),
    ])];
    if let Some(reason) = &view.lost {
        lines.push(Line::from(format!("  {}", printable(reason))));
    } else if let Some(sample) = &view.sample {
        figures(sample, &mut lines);
    }
    if !view.events.is_empty() {
        let events: Vec<_> = view.events.iter().map(|name| printable(name)).collect();
        lines.push(Line::from(format!("  events  {}", events.join(" "))));
    }
    lines
}

fn figures(sample: &Sample, lines: &mut Vec<Line<'static>>) {
    if !sample.cpus.is_empty() {
        let percent = |percent: Option<u64>| percent.map_or_else(|| "?".to_owned(), |percent| format!("{percent}%"));
        let cpus: Vec<_> = sample.cpus.iter().map(|cpu| format!("{}:{}", cpu.index, percent(cpu.percent))).collect();
        lines.push(Line::from(format!("  cpus    {}", cpus.join(" "))));
    }
    for Disk { name, read_bytes, written_bytes, reads, writes } in &sample.disks {
        let (read, written) = (bytes(*read_bytes), bytes(*written_bytes));
        let name = printable(name);
        lines.push(Line::from(format!("  disk    {name}: reads {read}/s in {reads}, writes {written}/s in {writes}")));
    }
    for Work { name, status, current, total } in sample.jobs.iter().chain(&sample.migration) {
        let percent = u128::from(*current) * 100 / u128::from((*total).max(1));
        lines.push(Line::from(format!("  work    {}: {}, {percent}%", printable(name), printable(status))));
    }
}

fn bytes(count: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let mut rest = count;
    let mut unit = 0;
    while rest >= 10_240 && unit + 1 < UNITS.len() {
        rest /= 1024;
        unit += 1;
    }
    format!("{rest} {}", UNITS[unit])
}

/// A terminal is to come to no harm by names that somebody else chose.
fn printable(text: &str) -> String {
    text.chars().map(|char| if char.is_control() { '\u{FFFD}' } else { char }).collect()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use ratatui::Terminal;
    use ratatui::backend::TestBackend;

    use super::*;
    use crate::top::figures::Cpu;
    use crate::top::watch::News;

    fn shown(views: &[View], width: u16, height: u16) -> Vec<String> {
        let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        terminal.draw(|frame| draw(frame, views)).unwrap();
        let buffer = terminal.backend().buffer();
        let line = |line: &[ratatui::buffer::Cell]| line.iter().map(ratatui::buffer::Cell::symbol).collect::<String>();
        buffer.content.chunks(width.into()).map(line).collect()
    }

    #[test]
    fn each_monitor_with_what_is_known() {
        let mut views = ["/a", "/b", "/c\u{1b}[31m"].map(|socket| View::new(Path::new(socket)));
        let cpu = |index: &str, percent| Cpu { index: index.to_owned(), percent };
        let disk =
            |name: &str, read_bytes| Disk { name: name.to_owned(), read_bytes, written_bytes: 1, reads: 3, writes: 4 };
        views[0].take(News::Sample(Sample {
            status: "running".to_owned(),
            cpus: vec![cpu("0", Some(7)), cpu("1", None)],
            disks: vec![disk("d\n0", 123 << 20)],
            jobs: vec![Work { name: "j".to_owned(), status: "ready".to_owned(), current: 1, total: 4 }],
            migration: Some(Work { name: "migration".to_owned(), status: "setup".to_owned(), current: 0, total: 0 }),
        }));
        for number in 0..7 {
            views[0].take(News::Event(format!("E{number}")));
        }
        views[1].take(News::Lost("gone".to_owned()));
        let expected = [
            "┌ qmp top ───────────────────────────────────────────────┐",
            "│/a  running                                             │",
            "│  cpus    0:7% 1:?                                      │",
            "│  disk    d\u{FFFD}0: reads 123 MiB/s in 3, writes 1 B/s in 4  │",
            "│  work    j: ready, 25%                                 │",
            "│  work    migration: setup, 0%                          │",
            "│  events  E2 E3 E4 E5 E6                                │",
            "│/b  lost                                                │",
            "│  gone                                                  │",
            "│/c\u{FFFD}[31m  …                                              │",
            "└ q ends it ─────────────────────────────────────────────┘",
        ];
        assert_eq!(shown(&views, 58, 11), expected);
        // Found again.
        views[1].take(News::Sample(Sample { status: "paused".to_owned(), ..Sample::default() }));
        assert!(shown(&views, 58, 11)[7].starts_with("│/b  paused "));
        // However small it is.
        for (width, height) in [(1, 1), (2, 2), (3, 40)] {
            shown(&views, width, height);
        }
    }
}
