//! How what comes is shown on a terminal.

use core::fmt::Write as _;
use core::time::Duration;

use qmp_std::{Error, Notice, OwnedEvent};

use super::board::{Item, Reply};
use crate::output::style::{ASIDE, ERROR, NAME, WARNING};
use crate::output::{Paint, compact, pretty, printable};

/// A text of lines, each with its end. `asked`: the command that is waited for; replies to others are late.
pub(super) fn text(item: &Item, asked: Option<u64>, paint: Paint) -> String {
    match item {
        Item::Event(event) => self::event(event, paint),
        Item::Reply(reply) => self::reply(reply, asked != Some(reply.number), paint),
        Item::Notice(notice) => paint.styled(WARNING, &self::notice(notice)) + "\n",
        Item::Dropped(count) => paint.styled(WARNING, &format!("{count} events came too fast, and are lost")) + "\n",
        Item::Lost(error, _) => {
            let why = match error {
                Error::Closed { source: Some(source) } => format!("the connection is lost: {source}"),
                _ => "the server has closed the connection".into(),
            };
            format!("{}. reconnect connects anew, exit leaves.\n", paint.styled(ERROR, &why))
        }
    }
}

fn reply(reply: &Reply, late: bool, paint: Paint) -> String {
    let Reply { name, outcome, took, .. } = reply;
    let mut text = String::new();
    if late && !matches!(outcome, Err(Error::OutcomeUnknown { .. })) {
        let _ = writeln!(text, "{} has been answered after all:", paint.styled(NAME, name));
    }
    match outcome {
        Ok(json) => {
            let _ = writeln!(text, "{}", String::from_utf8_lossy(&paint.json(pretty(&compact(json)))));
        }
        Err(Error::Command(failure)) => {
            let shown = failure.to_string();
            let _ = writeln!(text, "{}", paint.styled(ERROR, &printable(&shown)));
        }
        Err(Error::OutcomeUnknown { .. }) => {
            let told = format!("{name} was not answered: whether it is executed is unknown. Look before repeating it");
            let _ = writeln!(text, "{}", paint.styled(ERROR, &told));
            return text;
        }
        Err(error) => {
            let _ = writeln!(text, "{}", paint.styled(ERROR, &printable(&format!("{name}: {error}"))));
        }
    }
    let _ = writeln!(text, "{}", paint.styled(ASIDE, &format!("({})", duration(*took))));
    text
}

fn event(event: &OwnedEvent, paint: Paint) -> String {
    let time = event.timestamp.filter(|time| time.seconds >= 0).map_or_else(String::new, |time| {
        let second = time.seconds.rem_euclid(24 * 60 * 60);
        let (hours, minutes, seconds) = (second / 3600, second / 60 % 60, second % 60);
        format!("{hours:02}:{minutes:02}:{seconds:02}.{:03}Z ", time.microseconds.div_euclid(1000))
    });
    let name = printable(&event.name);
    let data = event
        .data
        .as_deref()
        .map_or_else(String::new, |data| format!(" {}", String::from_utf8_lossy(&paint.json(compact(data)))));
    format!("{}{}{data}\n", paint.styled(ASIDE, &time), paint.styled(NAME, &name))
}

/// What came that was nobody's.
pub(super) fn notice(notice: &Notice) -> String {
    let outcome = |outcome: &Result<String, qmp_std::Failure>| match outcome {
        Ok(json) => json.clone(),
        Err(failure) => failure.to_string(),
    };
    let text = match notice {
        Notice::Late { outcome: of, .. } => format!("a late reply: {}", outcome(of)),
        Notice::Foreign { outcome: of, .. } => format!("a reply to a command that is not ours: {}", outcome(of)),
        Notice::Diagnostic(failure) => format!("the server could not read some input: {failure}"),
        Notice::Oversize { of, bytes, .. } => format!("a message of {bytes} bytes was too long and is lost: {of:?}"),
        Notice::Malformed { at, reason, .. } => format!("damaged bytes came, at {at} of the stream: {reason}"),
        Notice::Unknown(json) => format!("something came that is no message: {json}"),
        Notice::Incomplete => "the connection ended inside of a message".into(),
        Notice::Greeting => "the server greeted once more: it has begun anew".into(),
        other => format!("{other:?}"),
    };
    printable(&text).into_owned()
}

/// A duration, as exactly as people want to know it.
pub(super) fn duration(duration: Duration) -> String {
    let seconds = duration.as_secs_f64();
    match seconds {
        _ if seconds < 0.01 => format!("{:.2} ms", seconds * 1e3),
        _ if seconds < 1.0 => format!("{:.0} ms", seconds * 1e3),
        _ => format!("{seconds:.1} s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(outcome: Result<String, Error>, asked: Option<u64>) -> String {
        let reply = Reply { number: 7, name: "stop".into(), outcome, took: Duration::from_micros(1234) };
        text(&Item::Reply(reply), asked, Paint(false))
    }

    #[test]
    fn replies_in_time_and_late() {
        assert_eq!(
            shown(Ok("{\"a\": [1, inf]}".into()), Some(7)),
            "{\n  \"a\": [\n    1,\n    null\n  ]\n}\n(1.23 ms)\n"
        );
        let late = shown(Ok("{}".into()), Some(8));
        assert_eq!(late, "stop has been answered after all:\n{}\n(1.23 ms)\n");
        let unknown = shown(Err(Error::OutcomeUnknown { source: None }), None);
        assert!(unknown.starts_with("stop was not answered") && unknown.ends_with("repeating it\n"), "{unknown}");
    }

    #[test]
    fn durations() {
        for (micros, text) in [(412, "0.41 ms"), (12_345, "12 ms"), (1_250_000, "1.2 s"), (75_000_000, "75.0 s")] {
            assert_eq!(duration(Duration::from_micros(micros)), text);
        }
    }
}
