//! Releases of QEMU, and from when to when something is there.

use core::error::Error;
use core::fmt;
use core::str::FromStr;

use qmp_core::message::Version;

/// A release of QEMU: `5.2` is 5.2.0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Release {
    /// Raised once a year.
    pub major: u8,
    /// Raised with each release of a year.
    pub minor: u8,
    /// Raised with each stable update.
    pub micro: u8,
}

impl Release {
    /// The release of this number.
    pub const fn new(major: u8, minor: u8, micro: u8) -> Self {
        Self { major, minor, micro }
    }

    /// The first of its series, which its stable updates follow: 8.2 for 8.2.2.
    pub const fn series(self) -> Self {
        Self { micro: 0, ..self }
    }
}

impl fmt::Display for Release {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { major, minor, micro } = self;
        if *micro == 0 { write!(f, "{major}.{minor}") } else { write!(f, "{major}.{minor}.{micro}") }
    }
}

/// Text that does not begin with the number of a release.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct NoRelease;

impl fmt::Display for NoRelease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a release of QEMU, as 8.2 or 8.2.2")
    }
}

impl Error for NoRelease {}

/// Reads `5.2`, `8.2.2`, and what distributions make of it: `7.2.22 (Debian 1:7.2+dfsg-7)`.
impl FromStr for Release {
    type Err = NoRelease;

    fn from_str(text: &str) -> Result<Self, NoRelease> {
        let number = text.split(|c: char| !c.is_ascii_digit() && c != '.').next().unwrap_or_default();
        let mut parts =
            number.split('.').filter(|part| !part.is_empty()).map(|part| part.parse().map_err(|_| NoRelease));
        let mut part = || parts.next();
        let (major, minor, micro) = (part().ok_or(NoRelease)??, part().ok_or(NoRelease)??, part().unwrap_or(Ok(0))?);
        Ok(Self { major, minor, micro })
    }
}

/// The release that a greeting tells of.
impl From<Version> for Release {
    fn from(version: Version) -> Self {
        let part = |number| u8::try_from(number).unwrap_or(u8::MAX);
        Self { major: part(version.major), minor: part(version.minor), micro: part(version.micro) }
    }
}

/// From when to when something is there, and what is said of it meanwhile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Presence {
    /// The first release that has it.
    pub since: Release,
    /// The last series that has it, stable updates included.
    pub until: Option<Release>,
    /// The first release that deprecates it; [`Presence::EVER`] where it is not known since when.
    pub deprecated: Option<Release>,
    /// The first release that calls it unstable, likewise.
    pub unstable: Option<Release>,
}

impl Presence {
    /// A release older than all: something is so and nobody knows since when.
    pub const EVER: Release = Release::new(0, 0, 0);
    /// In every release.
    pub const ALWAYS: Self = Self { since: Self::EVER, until: None, deprecated: None, unstable: None };

    /// Whether `release` has it.
    pub fn includes(&self, release: Release) -> bool {
        self.absence_in(release).is_none()
    }

    /// Why `release` does not have it, if so.
    pub fn absence_in(&self, release: Release) -> Option<Absence> {
        match self.until {
            _ if release < self.since => Some(Absence::Before(self.since)),
            Some(until) if release.series() > until => Some(Absence::After(until)),
            _ => None,
        }
    }

    /// Whether `release` has it and deprecates it.
    pub fn is_deprecated_in(&self, release: Release) -> bool {
        self.includes(release) && self.deprecated.is_some_and(|since| since <= release)
    }

    /// Whether `release` has it and calls it unstable.
    pub fn is_unstable_in(&self, release: Release) -> bool {
        self.includes(release) && self.unstable.is_some_and(|since| since <= release)
    }
}

/// Why a release does not have something that others have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Absence {
    /// It came with this one.
    Before(Release),
    /// It went after this one.
    After(Release),
    /// It is in earlier and later ones, but not in this one.
    Except(Release),
}

impl fmt::Display for Absence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Before(since) => write!(f, "only since {since}"),
            Self::After(until) => write!(f, "only until {until}"),
            Self::Except(release) => write!(f, "not in {release}"),
        }
    }
}

/// What holds in `release` of something that changed: of `changes`, oldest first, the last that is not younger, or else the first.
/// `newest` if there were none.
pub(super) fn holding<T>(release: Release, newest: T, changes: impl Iterator<Item = (Release, T)>) -> T {
    let mut held = None;
    for (since, state) in changes {
        if held.is_none() || since <= release {
            held = Some(state);
        }
    }
    held.unwrap_or(newest)
}

#[cfg(test)]
mod tests {
    use std::string::ToString;

    use super::*;

    #[test]
    fn releases_as_people_write_them() {
        for (text, release) in [
            ("5.2", Release::new(5, 2, 0)),
            ("8.2.2", Release::new(8, 2, 2)),
            ("0.14", Release::new(0, 14, 0)),
            ("7.2.22 (Debian 1:7.2+dfsg-7+deb12u18)", Release::new(7, 2, 22)),
            ("11.1.2-1.fc42", Release::new(11, 1, 2)),
            ("2.5.1.1", Release::new(2, 5, 1)),
            ("8.2.", Release::new(8, 2, 0)),
        ] {
            assert_eq!(text.parse(), Ok(release), "{text}");
        }
        for text in ["", "8", "v8.2", "eight", "-1.2", "300.1", "8.2.300", " 8.2"] {
            assert_eq!(text.parse::<Release>(), Err(NoRelease), "{text}");
        }
        assert_eq!(Release::new(5, 2, 0).to_string(), "5.2");
        assert_eq!(Release::new(10, 0, 13).to_string(), "10.0.13");
        assert!(Release::new(10, 0, 0) > Release::new(9, 2, 4));
        let version = Version { major: 7, minor: 2, micro: 999 };
        assert_eq!(Release::from(version), Release::new(7, 2, 255));
    }

    #[test]
    fn a_series_has_what_its_first_release_has() {
        let presence = Presence {
            since: Release::new(2, 1, 1),
            until: Some(Release::new(7, 2, 0)),
            deprecated: Some(Release::new(7, 0, 0)),
            unstable: None,
        };
        for (release, absence) in [
            (Release::new(2, 1, 0), Some(Absence::Before(Release::new(2, 1, 1)))),
            (Release::new(2, 1, 1), None),
            (Release::new(7, 2, 22), None),
            (Release::new(8, 0, 0), Some(Absence::After(Release::new(7, 2, 0)))),
        ] {
            assert_eq!(presence.absence_in(release), absence, "{release}");
        }
        assert!(!presence.is_deprecated_in(Release::new(6, 2, 0)) && presence.is_deprecated_in(Release::new(7, 2, 1)));
        assert!(!presence.is_deprecated_in(Release::new(8, 0, 0)) && !presence.is_unstable_in(Release::new(7, 0, 0)));
    }

    #[test]
    fn a_change_holds_until_the_next() {
        let changes = [(Release::new(2, 0, 0), 'a'), (Release::new(5, 0, 0), 'b')];
        let held = |major| holding(Release::new(major, 0, 0), 'z', changes.into_iter());
        assert_eq!([held(1), held(2), held(4), held(5), held(9)], ['a', 'a', 'a', 'b', 'b']);
        assert_eq!(holding(Release::new(1, 0, 0), 'z', core::iter::empty()), 'z');
    }
}
