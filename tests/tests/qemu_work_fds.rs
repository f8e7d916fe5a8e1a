//! Descriptors handed to real QEMUs beside typed commands.

use std::fs::{self, File, OpenOptions};
use std::os::unix::net::UnixStream;

use qmp_qapi::commands::{
    AddFd, BlockdevAdd, BlockdevDel, ChardevAdd, ChardevRemove, Closefd, Cont, Getfd, QueryChardev, QueryFdsets,
    RemoveFd,
};
use qmp_qapi::types::{ChardevBackend, ChardevSocket, FdSocketAddress, SocketAddressLegacy};
use qmp_std::Error;
use qmp_tests::disks::{file, raw};
use qmp_tests::qemu;
use qmp_tests::work::Work;

#[test]
fn a_disk_is_opened_through_a_descriptor() {
    qemu::each(|qemu| {
        let mut work = Work::start(qemu, &[]);
        // A machine that stands still keeps what is removed, before 9.1 or so.
        work.does(&Cont);
        let path = work.path("disk");
        fs::write(&path, vec![0; 1 << 20]).expect("a file");
        let open = || OpenOptions::new().read(true).write(true).open(&path).expect("the file");
        let set =
            work.ask_with_fd(&AddFd { opaque: Some("rdwr: \"disk\" \\"), ..AddFd::new() }, open(), |it| it.fdset_id);
        let more = AddFd { fdset_id: Some(set), opaque: Some("rdonly") };
        let second = work.ask_with_fd(&more, File::open(&path).expect("the file"), |it| {
            assert_eq!(it.fdset_id, set);
            it.fd
        });
        work.ask(&QueryFdsets, |sets| {
            let it = sets.get(0).unwrap().unwrap();
            assert_eq!((sets.len(), it.fdset_id, it.fds.len()), (1, set, 2));
            let opaque: Vec<_> = it.fds.iter().map(|fd| fd.unwrap().opaque.unwrap()).collect();
            assert!(opaque.contains(&"rdwr: \"disk\" \\") && opaque.contains(&"rdonly"), "{opaque:?}");
        });
        let name = format!("/dev/fdset/{set}");
        work.does(&BlockdevAdd(file("disk-file", &name)));
        work.does(&BlockdevAdd(raw("disk", "disk-file")));
        work.io("disk", "write -P 6 0 64k");
        work.does(&BlockdevDel::new("disk"));
        work.does(&BlockdevDel::new("disk-file"));
        assert!(work.content("disk")[..65536].iter().all(|byte| *byte == 6));
        work.does(&RemoveFd { fd: Some(second), ..RemoveFd::new(set) });
        work.does(&RemoveFd::new(set));
        work.ask(&QueryFdsets, |sets| assert!(sets.is_empty(), "{sets:?}"));
        assert_eq!(work.refused(&RemoveFd::new(set)).class, "GenericError");
        work.finish();
    });
}

#[test]
fn a_socket_is_handed_over_by_name() {
    qemu::each(|qemu| {
        let mut work = Work::start(qemu, &[]);
        let (ours, theirs) = UnixStream::pair().expect("a pair");
        work.ask_with_fd(&Getfd::new("socket"), &theirs, |_| ());
        drop(theirs);
        let address = SocketAddressLegacy::Fd(FdSocketAddress::new("socket"));
        let socket = ChardevSocket { server: Some(false), ..ChardevSocket::new(address) };
        work.ask(&ChardevAdd::new("handed", ChardevBackend::Socket(socket)), |_| ());
        work.ask(&QueryChardev, |all| assert!(all.iter().any(|it| it.unwrap().label == "handed")));
        work.does(&ChardevRemove::new("handed"));
        ours.set_read_timeout(Some(qmp_tests::LIMIT)).expect("a timeout");
        assert_eq!(std::io::Read::read(&mut &ours, &mut [0]).expect("an end"), 0);

        work.ask_with_fd(&Getfd::new("unused"), &ours, |_| ());
        work.does(&Closefd::new("unused"));
        assert_eq!(work.refused(&Closefd::new("unused")).class, "GenericError");
        work.finish();
    });
}

/// A command takes the descriptor that came with it, and none that came before: rules 61 and 62.
#[test]
fn each_command_takes_its_own() {
    qemu::each(|qemu| {
        let mut work = Work::start(qemu, &[]);
        let failure = work.refused(&Getfd::new("none"));
        assert!(failure.desc.contains("SCM_RIGHTS"), "{failure}");
        let (one, two) = (work.path("one"), work.path("two"));
        for (path, text) in [(&one, "1"), (&two, "2")] {
            fs::write(path, text.repeat(512)).expect("a file");
        }
        let mut sets = Vec::new();
        for path in [&one, &two] {
            sets.push(work.ask_with_fd(&AddFd::new(), File::open(path).expect("the file"), |it| it.fdset_id));
        }
        for (set, pattern) in sets.iter().zip(["49", "50"]) {
            let name = format!("/dev/fdset/{set}");
            let node = format!("n{set}");
            let options = qmp_qapi::types::BlockdevOptions { read_only: Some(true), ..file(&node, &name) };
            work.does(&BlockdevAdd(options));
            work.io(&node, &format!("read -P {pattern} 0 512"));
        }
        // Untyped, too; and a command that wants none is none the worse.
        let arguments = serde_json::json!({"opaque": "untyped"});
        let info: serde_json::Value =
            work.monitor.execute_with_fd("add-fd", &arguments, File::open(&one).expect("the file")).expect("a set");
        assert!(info["fdset-id"].is_i64());
        let name: serde_json::Value =
            work.monitor.execute_with_fd("query-name", &(), File::open(&one).expect("the file")).expect("a name");
        assert!(name.is_object());
        let failed = work.monitor.execute_with_fd::<serde_json::Value>(
            "getfd",
            &serde_json::json!({"fdname": "1"}),
            &File::open(&one).expect("the file"),
        );
        assert!(matches!(failed, Err(Error::Command(_))), "{failed:?}");
        work.finish();
    });
}
