//! A Unix socket to listen on, whose file goes with it.

use std::fs::{self, Metadata};
use std::io::{self, ErrorKind};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketType};

/// Listens at a path. What another program left there, which ended without removing it, is replaced; nothing else is.
#[derive(Debug)]
pub(crate) struct Listening {
    listener: UnixListener,
    path: PathBuf,
    file: Identity,
}

/// Which file it is, whatever its path.
type Identity = (u64, u64);

impl Listening {
    pub(crate) fn at(path: &Path) -> Result<Self> {
        let listener = match UnixListener::bind(path) {
            Err(error) if error.kind() == ErrorKind::AddrInUse => {
                remove_stale(path)?;
                UnixListener::bind(path)
            }
            outcome => outcome,
        };
        let listener = listener.with_context(|| format!("listening at {}", path.display()))?;
        listener.set_nonblocking(true)?;
        let file = identity(&fs::symlink_metadata(path)?);
        Ok(Self { listener, path: path.to_owned(), file })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The client that has waited longest, if there is one. It does not block.
    pub(crate) fn accept(&self) -> io::Result<Option<UnixStream>> {
        match self.listener.accept() {
            Ok((stream, _)) => stream.set_nonblocking(true).map(|()| Some(stream)),
            // It came, and went before it was looked at.
            Err(error) if super::is_passing(&error) || error.kind() == ErrorKind::ConnectionAborted => Ok(None),
            Err(error) => Err(error),
        }
    }
}

impl AsFd for Listening {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.listener.as_fd()
    }
}

impl Drop for Listening {
    /// Removes its file, unless another program has put one of its own there.
    fn drop(&mut self) {
        if fs::symlink_metadata(&self.path).is_ok_and(|found| identity(&found) == self.file) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn identity(file: &Metadata) -> Identity {
    (file.dev(), file.ino())
}

/// Removes a socket that nobody listens on.
fn remove_stale(path: &Path) -> Result<()> {
    let shown = path.display();
    let found = fs::symlink_metadata(path).with_context(|| format!("looking at {shown}"))?;
    if !found.file_type().is_socket() {
        bail!("{shown} is there already, and no socket: name another path, or remove it");
    }
    match knock(path) {
        Err(Errno::CONNREFUSED) => {}
        // A full line of clients is one that somebody stands at the head of.
        Ok(()) | Err(Errno::AGAIN | Errno::INPROGRESS) => {
            bail!("{shown}: another program listens there. End it, or name another path")
        }
        Err(error) => {
            return Err(io::Error::from(error)).with_context(|| format!("whether anybody listens at {shown}"));
        }
    }
    if identity(&fs::symlink_metadata(path)?) == identity(&found) {
        fs::remove_file(path).with_context(|| format!("removing {shown}, which nobody listens on"))?;
    }
    Ok(())
}

/// Connects, without waiting for anybody.
fn knock(path: &Path) -> rustix::io::Result<()> {
    let socket = rustix::net::socket(AddressFamily::UNIX, SocketType::STREAM, None)?;
    rustix::io::ioctl_fionbio(&socket, true)?;
    rustix::net::connect(&socket, &SocketAddrUnix::new(path)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_is_replaced_and_what_is_used_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("s");
        drop(UnixListener::bind(&path).unwrap());
        let first = Listening::at(&path).unwrap();
        assert!(first.accept().unwrap().is_none());
        let refused = Listening::at(&path).unwrap_err().to_string();
        assert!(refused.contains("another program listens there"), "{refused}");
        // The knock was a client.
        assert!(first.accept().unwrap().is_some());
        drop(first);
        assert!(!path.exists());
    }

    #[test]
    fn a_file_is_not_touched() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("s");
        fs::write(&path, "precious").unwrap();
        let refused = Listening::at(&path).unwrap_err().to_string();
        assert!(refused.contains("no socket"), "{refused}");
        assert_eq!(fs::read(&path).unwrap(), b"precious");
        // Nor is a link to a socket that nobody listens on.
        let (socket, link) = (folder.path().join("t"), folder.path().join("l"));
        drop(UnixListener::bind(&socket).unwrap());
        std::os::unix::fs::symlink(&socket, &link).unwrap();
        assert!(Listening::at(&link).is_err());
        assert!(socket.exists() && link.is_symlink());
    }

    #[test]
    fn the_socket_of_who_came_later_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("s");
        let first = Listening::at(&path).unwrap();
        fs::rename(&path, folder.path().join("moved")).unwrap();
        let second = Listening::at(&path).unwrap();
        drop(first);
        assert!(path.exists());
        drop(second);
        assert!(!path.exists());
    }
}
