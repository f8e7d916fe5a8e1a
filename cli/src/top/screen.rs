//! What is shown.

use ratatui::Frame;
use ratatui::crossterm::event::KeyCode;
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Paragraph};

use super::figures::{Disk, Sample, Work};
use super::watch::View;

/// All monitors, one below the other, and which part of that is shown.
#[derive(Debug, Default)]
pub(super) struct Screen {
    /// The first line.
    top: u16,
    /// How many lines are shown, and how many there are.
    height: u16,
    length: u16,
}

impl Screen {
    pub(super) fn draw(&mut self, frame: &mut Frame<'_>, views: &[View]) {
        let lines = lines(views);
        let block = Block::bordered().title(" qmp top ");
        self.height = block.inner(frame.area()).height;
        self.length = lines.len().try_into().unwrap_or(u16::MAX);
        self.top = self.top.min(self.last());
        let shown = if self.last() == 0 {
            String::new()
        } else {
            format!("lines {} to {} of {}, ", self.top + 1, self.top + self.height, self.length)
        };
        let block = block.title_bottom(format!(" {shown}q ends it "));
        frame.render_widget(Paragraph::new(lines).scroll((self.top, 0)).block(block), frame.area());
    }

    /// Moves, by a key that was pressed.
    pub(super) fn key(&mut self, key: KeyCode) {
        let top = match key {
            KeyCode::Up => self.top.saturating_sub(1),
            KeyCode::Down => self.top.saturating_add(1),
            KeyCode::PageUp => self.top.saturating_sub(self.height),
            KeyCode::PageDown => self.top.saturating_add(self.height),
            KeyCode::Home => 0,
            KeyCode::End => u16::MAX,
            _ => self.top,
        };
        self.top = top.min(self.last());
    }

    /// The first line of the last part.
    const fn last(&self) -> u16 {
        self.length.saturating_sub(self.height)
    }
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
        Span::styled(printable(&view.monitor), Style::new().add_modifier(Modifier::BOLD)),
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
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;

    use super::*;
    use crate::top::figures::Cpu;
    use crate::top::watch::News;

    fn shown(views: &[View], width: u16, height: u16) -> Vec<String> {
        drawn(&mut Screen::default(), views, width, height)
    }

    fn drawn(screen: &mut Screen, views: &[View], width: u16, height: u16) -> Vec<String> {
        let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        terminal.draw(|frame| screen.draw(frame, views)).unwrap();
        let buffer = terminal.backend().buffer();
        let line = |line: &[ratatui::buffer::Cell]| line.iter().map(ratatui::buffer::Cell::symbol).collect::<String>();
        buffer.content.chunks(width.into()).map(line).collect()
    }

    #[test]
    fn each_monitor_with_what_is_known() {
        let mut views = ["/a", "/b", "/c\u{1b}[31m"].map(|path| View::new(&qmp_std::Address::Unix(path.into())));
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
    #[test]
    fn what_does_not_fit_is_moved_over() {
        let mut views: Vec<_> =
            (0..9).map(|number| View::new(&qmp_std::Address::Tcp(format!("vm{number}:4444")))).collect();
        let mut screen = Screen::default();
        let first = |screen: &mut Screen, views: &[View]| {
            let lines = drawn(screen, views, 40, 5);
            (lines[1][3..].split("  ").next().unwrap().to_owned(), lines[4].trim_matches(['└', '─', '┘']).to_owned())
        };
        let is = |at: &str, title: &str| (format!("tcp:{at}:4444"), title.to_owned());
        assert_eq!(first(&mut screen, &views), is("vm0", " lines 1 to 3 of 9, q ends it "));
        for (key, at, title) in [
            (KeyCode::Up, "vm0", " lines 1 to 3 of 9, q ends it "),
            (KeyCode::Down, "vm1", " lines 2 to 4 of 9, q ends it "),
            (KeyCode::PageDown, "vm4", " lines 5 to 7 of 9, q ends it "),
            (KeyCode::PageDown, "vm6", " lines 7 to 9 of 9, q ends it "),
            (KeyCode::PageUp, "vm3", " lines 4 to 6 of 9, q ends it "),
            (KeyCode::End, "vm6", " lines 7 to 9 of 9, q ends it "),
            (KeyCode::Char('x'), "vm6", " lines 7 to 9 of 9, q ends it "),
        ] {
            screen.key(key);
            assert_eq!(first(&mut screen, &views), is(at, title));
        }
        // What there is less of is not left behind.
        views.truncate(3);
        assert_eq!(first(&mut screen, &views), is("vm0", " q ends it "));
    }
}
