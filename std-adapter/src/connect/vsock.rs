//! Vsock: from a host to its virtual machines and back, without a network. By socket2, as rustix has no address of this family.

use core::time::Duration;

use crate::connect::Opened;
use crate::error::Error;

#[cfg(all(feature = "vsock", any(target_os = "linux", target_os = "android")))]
pub(crate) fn open(cid: u32, port: u32, timeout: Option<Duration>) -> Result<Opened, Error> {
    use std::io::{self, ErrorKind};
    use std::os::fd::OwnedFd;

    use crate::stream::Socket;
    use socket2::{Domain, SockAddr, Type};

    let at = format!("vsock:{cid}:{port}");
    let connected = || -> io::Result<OwnedFd> {
        let socket = socket2::Socket::new(Domain::VSOCK, Type::STREAM, None)?;
        let address = SockAddr::vsock(cid, port);
        match timeout {
            None => socket.connect(&address)?,
            Some(timeout) => socket.connect_timeout(&address, timeout.max(Duration::from_millis(1)))?,
        }
        Ok(socket.into())
    };
    match connected() {
        Ok(socket) => Ok(Opened { stream: Box::new(Socket(socket)), at }),
        // That is how a machine refuses whose port is nobody's.
        Err(source) if matches!(source.kind(), ErrorKind::ConnectionReset | ErrorKind::ConnectionRefused) => {
            Err(Error::NobodyListens { at, source })
        }
        Err(source) => Err(Error::Connect { at, source }),
    }
}

#[cfg(not(all(feature = "vsock", any(target_os = "linux", target_os = "android"))))]
pub(crate) fn open(cid: u32, port: u32, _: Option<Duration>) -> Result<Opened, Error> {
    let at = format!("vsock:{cid}:{port}");
    Err(Error::Unusable { at, reason: "it takes Linux, and qmp-std built with the feature `vsock`", source: None })
}
