//! Where a monitor is, in the forms that operators write.

use core::fmt;
use core::str::FromStr;
use std::path::PathBuf;

/// Where a monitor is: to store, to read from a configuration, to connect to more than once.
///
/// | written | means |
/// |---|---|
/// | `unix:PATH`, or a path that begins with `/` or `.` | [`Unix`](Self::Unix) |
/// | `unix-abstract:NAME`, `@NAME` | [`Abstract`](Self::Abstract) |
/// | `tcp:HOST:PORT`, `tcp::PORT` for this host | [`Tcp`](Self::Tcp) |
/// | `vsock:CID:PORT` | [`Vsock`](Self::Vsock) |
/// | `serial:PATH` | [`Serial`](Self::Serial) |
/// | `fd:NUMBER` | [`Fd`](Self::Fd) |
///
/// ```
/// use qmp_std::Address;
///
/// let address: Address = "tcp:[::1]:4444".parse()?;
/// assert_eq!(address, Address::Tcp("[::1]:4444".to_owned()));
/// assert_eq!(address.to_string(), "tcp:[::1]:4444");
/// # Ok::<(), qmp_std::AddressError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Address {
    /// The Unix socket at a path: QEMU's `-qmp unix:PATH,server=on,wait=off`.
    Unix(PathBuf),
    /// The Unix socket of an abstract name, which stands in no folder: QEMU's `-chardev socket,path=NAME,abstract=on,…`. Linux only.
    Abstract(Vec<u8>),
    /// A host, by name or number, and a port: QEMU's `-qmp tcp:HOST:PORT,server=on,wait=off`.
    Tcp(String),
    /// A port of a virtual machine, or of its host. Takes the feature `vsock`, and Linux.
    Vsock {
        /// Whose: 2 is the host, 1 this machine itself.
        cid: u32,
        /// Which port there.
        port: u32,
    },
    /// A character device: a serial line, or the pseudo-terminal that QEMU's `-chardev pty` names.
    Serial(PathBuf),
    /// A descriptor that was handed over to this process, connected: see [`Options::inherited`](crate::Options::inherited). Good for
    /// one connection.
    Fd(i32),
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let wrong = |why| AddressError { text: text.to_owned(), why };
        if text.starts_with(['/', '.']) {
            return Ok(Self::Unix(text.into()));
        }
        if let Some(name) = text.strip_prefix('@') {
            return abstract_name(name).ok_or_else(|| wrong("it has no name"));
        }
        let (kind, rest) = text.split_once(':').ok_or_else(|| wrong("it does not say of which kind it is"))?;
        match kind {
            "unix" | "serial" if rest.is_empty() => Err(wrong("it has no path")),
            "unix" => Ok(Self::Unix(rest.into())),
            "serial" => Ok(Self::Serial(rest.into())),
            "unix-abstract" => abstract_name(rest).ok_or_else(|| wrong("it has no name")),
            "tcp" => {
                let (host, port) = rest.rsplit_once(':').ok_or_else(|| wrong("it has no port"))?;
                let port: u16 = port.parse().map_err(|_| wrong("its port is no number up to 65535"))?;
                // As in QEMU's own `tcp::PORT`.
                let host = if host.is_empty() { "localhost" } else { host };
                Ok(Self::Tcp(format!("{host}:{port}")))
            }
            "vsock" => {
                let (cid, port) = rest.split_once(':').ok_or_else(|| wrong("it has no port"))?;
                let cid = cid.parse().map_err(|_| wrong("its CID is no 32-bit number"))?;
                let port = port.parse().map_err(|_| wrong("its port is no 32-bit number"))?;
                Ok(Self::Vsock { cid, port })
            }
            "fd" => match rest.parse() {
                Ok(number @ 0..) => Ok(Self::Fd(number)),
                _ => Err(wrong("a descriptor is a number from 0 on")),
            },
            _ => Err(wrong("there is no such kind")),
        }
    }
}

fn abstract_name(name: &str) -> Option<Address> {
    (!name.is_empty()).then(|| Address::Abstract(name.as_bytes().to_vec()))
}

/// As it is written; of paths and names that are not UTF-8, something like it.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
            Self::Abstract(name) => write!(f, "@{}", String::from_utf8_lossy(name)),
            Self::Tcp(address) => write!(f, "tcp:{address}"),
            Self::Vsock { cid, port } => write!(f, "vsock:{cid}:{port}"),
            Self::Serial(path) => write!(f, "serial:{}", path.display()),
            Self::Fd(number) => write!(f, "fd:{number}"),
        }
    }
}

/// A text that is no [`Address`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddressError {
    text: String,
    why: &'static str,
}

impl fmt::Display for AddressError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:?} is no monitor's address: {}. Write unix:PATH, @NAME for an abstract Unix socket, tcp:HOST:PORT, vsock:CID:PORT, \
             serial:PATH or fd:NUMBER",
            self.text, self.why
        )
    }
}

impl core::error::Error for AddressError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_is_read_and_written() {
        let abstract_name = |name: &str| Address::Abstract(name.as_bytes().to_vec());
        for (text, address, written) in [
            ("unix:/run/vm 1/q:m.sock", Address::Unix("/run/vm 1/q:m.sock".into()), None),
            ("unix:q", Address::Unix("q".into()), None),
            ("/run/q", Address::Unix("/run/q".into()), Some("unix:/run/q")),
            ("./tcp:1:2", Address::Unix("./tcp:1:2".into()), Some("unix:./tcp:1:2")),
            ("@vm/1", abstract_name("vm/1"), None),
            ("unix-abstract:@é", abstract_name("@é"), Some("@@é")),
            ("tcp:localhost:4444", Address::Tcp("localhost:4444".into()), None),
            ("tcp::4444", Address::Tcp("localhost:4444".into()), Some("tcp:localhost:4444")),
            ("tcp:[::1]:65535", Address::Tcp("[::1]:65535".into()), None),
            ("vsock:3:4294967295", Address::Vsock { cid: 3, port: u32::MAX }, None),
            ("serial:/dev/ttyS0", Address::Serial("/dev/ttyS0".into()), None),
            ("fd:0", Address::Fd(0), None),
        ] {
            assert_eq!(text.parse(), Ok(address.clone()), "{text}");
            let written = written.unwrap_or(text);
            assert_eq!(address.to_string(), written);
            assert_eq!(written.parse(), Ok(address), "{written}");
        }
    }

    #[test]
    fn what_is_no_address_is_told_why() {
        for (text, why) in [
            ("", "kind"),
            ("qmp.sock", "kind"),
            ("unix:", "path"),
            ("serial:", "path"),
            ("@", "name"),
            ("unix-abstract:", "name"),
            ("tcp:localhost", "port"),
            ("tcp:localhost:", "65535"),
            ("tcp:localhost:qmp", "65535"),
            ("tcp:localhost:65536", "65535"),
            ("vsock:3", "port"),
            ("vsock:host:1", "CID"),
            ("vsock:3:-1", "port"),
            ("fd:-1", "from 0"),
            ("fd:3x", "from 0"),
            ("http://localhost:1", "no such kind"),
        ] {
            let error = text.parse::<Address>().unwrap_err();
            let (quoted, said) = (format!("{text:?}"), error.to_string());
            assert!(said.starts_with(&quoted) && said.contains(why) && said.contains("unix:PATH"), "{said}");
        }
    }
}
