//! Which release a session is checked against, and why.

use core::fmt;

use qmp_qapi::registry::{Release, Vocabulary};

/// The releases that the documents of a file were checked against.
#[derive(Debug)]
pub(super) struct Releases {
    vocabulary: &'static Vocabulary,
    spans: Vec<Span>,
    /// A document was checked against the last of them.
    used: bool,
}

#[derive(Debug)]
struct Span {
    release: Release,
    checked_as: Release,
    source: Source,
}

#[derive(Clone, Copy, Debug)]
enum Source {
    Asked,
    Greeting { line: u64 },
    Newest,
}

/// From this micro version on it is a development tree of the next release.
const DEVELOPMENT: u8 = 50;

impl Releases {
    pub(super) fn new(vocabulary: &'static Vocabulary, asked: Option<Release>) -> Self {
        let newest = vocabulary.releases().last().copied();
        let (release, source) = match (asked, newest) {
            (Some(asked), _) => (asked, Source::Asked),
            (None, newest) => (newest.unwrap_or(Release::new(0, 0, 0)), Source::Newest),
        };
        let mut releases = Self { vocabulary, spans: Vec::new(), used: false };
        releases.push(release, source);
        releases
    }

    /// The release to check the next document against.
    pub(super) fn current(&mut self) -> Release {
        self.used = true;
        self.spans.last().map_or(Release::new(0, 0, 0), |span| span.checked_as)
    }

    /// A server of this release greets.
    pub(super) fn greeted(&mut self, release: Release, line: u64) {
        match self.spans.last() {
            Some(Span { source: Source::Asked, .. }) => return,
            Some(last) if matches!(last.source, Source::Greeting { .. }) && last.release == release => return,
            _ => {}
        }
        if !self.used {
            self.spans.pop();
        }
        self.push(release, Source::Greeting { line });
    }

    fn push(&mut self, release: Release, source: Source) {
        let known = self.vocabulary.releases();
        let next = known.iter().copied().find(|known| release < *known);
        let checked_as = match (known.first(), next) {
            (_, Some(next)) if release.micro >= DEVELOPMENT => next,
            // Of what is older than that, types are not known.
            (Some(oldest), _) => release.max(*oldest),
            (None, _) => release,
        };
        self.used = false;
        self.spans.push(Span { release, checked_as, source });
    }
}

impl fmt::Display for Releases {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("against QEMU ")?;
        for (at, span) in self.spans.iter().enumerate() {
            let Span { release, checked_as, source } = span;
            f.write_str(if at == 0 { "" } else { ", then " })?;
            write!(f, "{checked_as} (")?;
            match source {
                Source::Asked => f.write_str("as asked")?,
                Source::Greeting { line } => write!(f, "which greets in line {line}")?,
                Source::Newest => f.write_str("the newest known, as none greets")?,
            }
            if release != checked_as {
                write!(f, ", as {release}")?;
            } else if self.vocabulary.releases().last().is_some_and(|newest| newest.series() < release.series()) {
                f.write_str(", newer than all that is known")?;
            }
            f.write_str(")")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use qmp_qapi::registry::qmp;

    use super::*;

    fn releases(asked: Option<&str>) -> Releases {
        Releases::new(qmp(), asked.map(|asked| asked.parse().unwrap()))
    }

    #[test]
    fn a_greeting_counts_unless_a_release_was_asked_for() {
        let mut greeted = releases(None);
        greeted.greeted(Release::new(7, 2, 22), 1);
        assert_eq!(greeted.current(), Release::new(7, 2, 22));
        greeted.greeted(Release::new(7, 2, 22), 8);
        greeted.greeted(Release::new(5, 2, 0), 9);
        assert_eq!(
            greeted.to_string(),
            "against QEMU 7.2.22 (which greets in line 1), then 5.2 (which greets in line 9)"
        );
        let mut late = releases(None);
        let newest = *qmp().releases().last().unwrap();
        assert_eq!(late.current(), newest);
        late.greeted(Release::new(5, 2, 0), 9);
        let expected =
            format!("against QEMU {newest} (the newest known, as none greets), then 5.2 (which greets in line 9)");
        assert_eq!(late.to_string(), expected);
        let mut asked = releases(Some("8.0"));
        asked.greeted(Release::new(5, 2, 0), 9);
        assert_eq!((asked.current(), asked.to_string()), (Release::new(8, 0, 0), "against QEMU 8.0 (as asked)".into()));
    }

    #[test]
    fn releases_that_nobody_saw_are_as_their_neighbours() {
        for (asked, checked_as, shown) in [
            ("0.14", Release::new(1, 0, 0), "1.0 (as asked, as 0.14)"),
            ("7.2.50", Release::new(8, 0, 0), "8.0 (as asked, as 7.2.50)"),
            ("7.2.99", Release::new(8, 0, 0), "8.0 (as asked, as 7.2.99)"),
            ("10.1.2", Release::new(10, 1, 2), "10.1.2 (as asked)"),
            ("99.0", Release::new(99, 0, 0), "99.0 (as asked, newer than all that is known)"),
        ] {
            let mut releases = releases(Some(asked));
            assert_eq!(releases.current(), checked_as);
            assert_eq!(releases.to_string(), format!("against QEMU {shown}"));
        }
    }
}
