//! Devices, back ends and objects of real machines: added, changed and taken away by typed commands.

use std::os::unix::net::{UnixListener, UnixStream};

use qmp_core::json::Value;
use qmp_qapi::commands::{
    self, ChardevAdd, ChardevChange, ChardevRemove, DeviceAdd, DeviceDel, DeviceListProperties, NetdevAdd, NetdevDel,
    ObjectAdd, ObjectDel, QomGet, QomList, QomListProperties, QomListTypes, QomSet, QueryChardev, QueryChardevBackends,
    QueryIothreads, QueryMemdev, QueryRxFilter, RingbufRead, RingbufWrite, SetLink,
};
use qmp_qapi::types::{
    ChardevBackend, ChardevCommon, ChardevFile, ChardevRingbuf, ChardevSocket, DataFormat, HostMemPolicy,
    IothreadProperties, MemoryBackendProperties, Netdev, NetdevBranch, NetdevHubPortOptions, NetdevSocketOptions,
    NetdevStreamOptions, NetdevUserDomainSuffix, NetdevUserHostForward, NetdevUserOptions, ObjectOptions,
    ObjectOptionsBranch, ObjectTypeInfo, RngProperties, RxState, SecretProperties, SocketAddress, SocketAddressLegacy,
    UnixSocketAddress,
};
use qmp_qapi::{Any, Event, List, Pairs};
use qmp_std::Error;
use qmp_tests::qemu::{self, Qemu};
use qmp_tests::work::Work;

fn deleted(work: &mut Work, id: &str) -> String {
    work.event("DEVICE_DELETED", |event| match event {
        Event::DeviceDeleted(it) if it.device == Some(id) => Some(it.path.to_owned()),
        _ => None,
    })
}

#[test]
fn a_device_is_plugged_and_unplugged() {
    qemu::each(|qemu| {
        let arguments = ["-device", "qemu-xhci,id=usb", "-device", "pcie-root-port,id=rp,chassis=1"];
        let mut work = Work::start(qemu, &arguments);
        work.add_raw("disk");
        let with = [("drive", Any::Str("disk")), ("removable", Any::Bool(true)), ("serial", Any::Str("a \"b\" \\ c"))];
        let plug = DeviceAdd {
            id: Some("stick"),
            bus: Some("usb.0"),
            others: Pairs::new(&with),
            ..DeviceAdd::new("usb-storage")
        };
        work.does(&plug);
        assert_eq!(work.refused(&plug).class, "GenericError");
        work.ask(&QomGet::new("/machine/peripheral/stick", "serial"), |serial| {
            assert_eq!(serial, Any::Str("a \"b\" \\ c"));
        });
        work.ask(&QomList::new("/machine/peripheral"), |children| {
            let stick = children.iter().map(Result::unwrap).find(|it| it.name == "stick").expect("the device");
            assert_eq!(stick.r#type, "child<usb-storage>");
        });
        work.does(&DeviceDel::new("stick"));
        assert_eq!(deleted(&mut work, "stick"), "/machine/peripheral/stick");
        assert_eq!(work.refused(&DeviceDel::new("stick")).class, "DeviceNotFound");

        // What is in a slot goes when the guest says so. Here none runs.
        work.does(&DeviceAdd { id: Some("rng"), bus: Some("rp"), ..DeviceAdd::new("virtio-rng-pci") });
        work.does(&DeviceDel::new("rng"));
        work.ask(&QomGet::new("/machine/peripheral/rng", "type"), |it| assert_eq!(it, Any::Str("virtio-rng-pci")));
        work.ask(&DeviceListProperties::new("virtio-rng-pci"), |properties| {
            let of = |name| properties.iter().map(Result::unwrap).find(|it| it.name == name);
            assert_eq!(of("max-bytes").expect("a property").r#type, "uint64");
            assert!(of("addr").is_some_and(|it| it.description.is_some()) && of("none").is_none());
        });
        work.finish();
    });
}

#[test]
fn network_back_ends_come_and_go() {
    qemu::each(|qemu| {
        let mut work = Work::start(qemu, &["-device", "pcie-root-port,id=rp,chassis=1"]);
        let words = [NetdevUserDomainSuffix::new("example.org")];
        let forwards = [NetdevUserHostForward::new("tcp:127.0.0.1:0-:22")];
        let user = NetdevUserOptions {
            net: Some("10.1.2.0/24"),
            restrict: Some(true),
            dnssearch: Some(List::new(&words)),
            hostfwd: Some(List::new(&forwards)),
            ..NetdevUserOptions::new()
        };
        if has_user_network(&mut work) {
            work.does(&NetdevAdd(Netdev::new("user", NetdevBranch::User(user))));
            work.does(&NetdevDel::new("user"));
        } else {
            println!("QEMU {}: LEFT OUT, built without user networking", qemu.version);
        }
        work.does(&NetdevAdd(Netdev::new("hub", NetdevBranch::Hubport(NetdevHubPortOptions::new(3)))));

        let socket = work.path("stream");
        let listener = UnixListener::bind(&socket).expect("a socket");
        if qemu.is_at_least(7, 2) {
            let address = SocketAddress::Unix(UnixSocketAddress::new(&socket));
            let stream = NetdevStreamOptions { server: Some(false), ..NetdevStreamOptions::new(address) };
            work.does(&NetdevAdd(Netdev::new("net", NetdevBranch::Stream(stream))));
            let path = work.event("NETDEV_STREAM_CONNECTED", |event| match event {
                Event::NetdevStreamConnected(it) if it.netdev_id == "net" => match it.addr {
                    SocketAddress::Unix(it) => Some(it.path.to_owned()),
                    other => panic!("{other:?}"),
                },
                _ => None,
            });
            assert_eq!(path, socket);
            drop(listener.accept().expect("a connection"));
            work.event("NETDEV_STREAM_DISCONNECTED", |event| match event {
                Event::NetdevStreamDisconnected(it) if it.netdev_id == "net" => Some(()),
                _ => None,
            });
        } else {
            println!("QEMU {}: no stream back end, whose events come since 7.2; socket instead", qemu.version);
            let socket = NetdevSocketOptions {
                udp: Some("127.0.0.1:9"),
                localaddr: Some("127.0.0.1:0"),
                ..NetdevSocketOptions::new()
            };
            work.does(&NetdevAdd(Netdev::new("net", NetdevBranch::Socket(socket))));
        }
        let with = [("netdev", Any::Str("net")), ("mac", Any::Str("52:54:00:12:34:56"))];
        work.does(&DeviceAdd {
            id: Some("card"),
            bus: Some("rp"),
            others: Pairs::new(&with),
            ..DeviceAdd::new("virtio-net-pci")
        });
        work.ask(&QueryRxFilter { name: Some("card") }, |filters| {
            assert_eq!(filters.len(), 1);
            let filter = filters.get(0).unwrap().unwrap();
            assert_eq!((filter.name, filter.main_mac), ("card", "52:54:00:12:34:56"));
            assert!(matches!(filter.multicast, RxState::Normal | RxState::None | RxState::All));
        });
        work.does(&SetLink::new("card", false));
        assert_eq!(work.refused(&SetLink::new("none", false)).class, "DeviceNotFound");
        // The card stays, with nothing behind it.
        work.does(&NetdevDel::new("net"));
        work.does(&NetdevDel::new("hub"));
        assert_eq!(work.refused(&NetdevDel::new("hub")).class, "DeviceNotFound");
        work.finish();
    });
}

/// Whether QEMU was built with it: a back end without options says so.
fn has_user_network(work: &mut Work) -> bool {
    let probe = NetdevAdd(Netdev::new("probe", NetdevBranch::User(NetdevUserOptions::new())));
    let has = work.monitor.send(&probe, |_| ()).is_ok();
    if has {
        work.does(&NetdevDel::new("probe"));
    }
    has
}

#[test]
fn character_devices_are_added_changed_and_removed() {
    qemu::each(|qemu| {
        let mut work = Work::start(qemu, &["-chardev", "null,id=serial", "-device", "isa-serial,chardev=serial"]);
        work.ask(
            &ChardevAdd::new(
                "ring",
                ChardevBackend::Ringbuf(ChardevRingbuf { size: Some(64), ..ChardevRingbuf::new() }),
            ),
            |it| {
                assert_eq!(it.pty, None);
            },
        );
        work.does(&RingbufWrite::new("ring", "ge\u{e4}ndert \"\\ \u{1f600}"));
        work.ask(&RingbufRead::new("ring", 64), |text| assert_eq!(text, "ge\u{e4}ndert \"\\ \u{1f600}"));
        work.does(&RingbufWrite { format: Some(DataFormat::Base64), ..RingbufWrite::new("ring", "AAECAw==") });
        work.ask(&RingbufRead { format: Some(DataFormat::Base64), ..RingbufRead::new("ring", 64) }, |text| {
            assert_eq!(text, "AAECAw==");
        });

        let log = work.path("log");
        let file = ChardevFile { append: Some(true), ..ChardevFile::new(&log) };
        work.ask(&ChardevAdd::new("file", ChardevBackend::File(file)), |_| ());
        let path = work.path("socket");
        let socket = ChardevSocket {
            server: Some(true),
            wait: Some(false),
            ..ChardevSocket::new(SocketAddressLegacy::Unix(UnixSocketAddress::new(&path)))
        };
        // What the machine's serial port writes goes elsewhere from now on.
        work.ask(&ChardevChange::new("serial", ChardevBackend::Socket(socket)), |_| ());
        let client = UnixStream::connect(&path).expect("a connection");
        work.ask(&QueryChardev, |all| {
            let of = |label| all.iter().map(Result::unwrap).find(|it| it.label == label).expect("the device");
            assert_eq!(of("serial").frontend_open, Some(true));
            assert!(of("serial").filename.contains(&path), "{:?}", of("serial"));
            assert_eq!((of("ring").filename, of("file").filename), ("ringbuf", "file"));
        });
        drop(client);
        match work
            .monitor
            .send(&ChardevAdd::new("pty", ChardevBackend::Pty(qmp_qapi::types::ChardevPty::new())), |it| {
                it.pty.map(ToOwned::to_owned)
            }) {
            Ok(pty) => assert!(pty.expect("a path").starts_with("/dev/pts/")),
            Err(error) => println!("QEMU {}: no pty here: {error}", qemu.version),
        }
        work.ask(&QueryChardevBackends, |all| assert!(all.iter().any(|it| it.unwrap().name == "socket")));
        let failure = work.refused(&ChardevRemove::new("serial"));
        assert!(failure.desc.contains("busy"), "{failure}");
        for name in ["ring", "file"] {
            work.does(&ChardevRemove::new(name));
        }
        let null = ChardevAdd::new("serial", ChardevBackend::Null(ChardevCommon::new()));
        assert_eq!(work.refused(&null).class, "GenericError");
        work.finish();
    });
}

/// Objects have their properties beside their names since 6.0, and before in `props`.
fn add(work: &mut Work, qemu: &Qemu, id: &str, object: ObjectOptionsBranch<'_>, props: &[(&str, Any<'_>)]) {
    if qemu.is_at_least(6, 0) {
        work.does(&ObjectAdd(ObjectOptions::new(id, object)));
    } else {
        let of = object.tag().expect("a tag");
        let props = (!props.is_empty()).then_some(Any::Dict(props));
        work.does(&commands::older::ObjectAdd { props, ..commands::older::ObjectAdd::new(of, id) });
    }
}

#[test]
fn objects_are_made_read_set_and_deleted() {
    qemu::each(|qemu| {
        let mut work = Work::start(qemu, &[]);
        let memory = MemoryBackendProperties { prealloc: Some(true), ..MemoryBackendProperties::new(1 << 20) };
        let props = [("size", Any::Uint(1 << 20)), ("prealloc", Any::Bool(true))];
        add(&mut work, qemu, "memory", ObjectOptionsBranch::MemoryBackendRam(memory), &props);
        let threads = IothreadProperties { poll_max_ns: Some(5000), ..IothreadProperties::new() };
        add(&mut work, qemu, "thread", ObjectOptionsBranch::Iothread(threads), &[("poll-max-ns", Any::Int(5000))]);
        let secret = SecretProperties { data: Some("s\u{e9}cret \"\\"), ..SecretProperties::new() };
        add(&mut work, qemu, "secret", ObjectOptionsBranch::Secret(secret), &[("data", Any::Str("s\u{e9}cret \"\\"))]);
        add(&mut work, qemu, "random", ObjectOptionsBranch::RngBuiltin(RngProperties::new()), &[]);

        work.ask(&QueryMemdev, |all| {
            let it = all.iter().map(Result::unwrap).find(|it| it.id == Some("memory")).expect("the object");
            assert_eq!((it.size, it.prealloc, it.policy), (1 << 20, true, HostMemPolicy::Default));
        });
        work.ask(&QueryIothreads, |all| {
            let it = all.get(0).unwrap().unwrap();
            assert_eq!((it.id, it.poll_max_ns), ("thread", Some(5000)));
            assert!(it.thread_id > 0);
        });
        work.ask(&QomGet::new("/objects/thread", "poll-max-ns"), |value| assert_eq!(value, Any::Int(5000)));
        work.does(&QomSet::new("/objects/thread", "poll-max-ns", Any::Int(7000)));
        work.ask(&QomGet::new("/objects/thread", "poll-max-ns"), |value| {
            assert_eq!(value.received().and_then(Value::as_i64), Some(7000));
        });
        work.ask(&QomGet::new("/objects/memory", "prealloc"), |value| assert_eq!(value, Any::Bool(true)));
        work.ask(&QomGet::new("/objects/memory", "type"), |value| assert_eq!(value, Any::Str("memory-backend-ram")));
        work.ask(&QomListProperties::new("iothread"), |all| {
            assert!(all.iter().any(|it| it.unwrap().name == "poll-max-ns"));
        });
        if qemu.is_at_least(10, 1) {
            let paths = ["/objects/thread", "/objects/memory"];
            work.ask(&commands::QomListGet::new(List::new(&paths)), |all| {
                assert_eq!(all.len(), 2);
                let it = all.get(0).unwrap().unwrap();
                let of = it.properties.iter().map(Result::unwrap).find(|it| it.name == "poll-max-ns").expect("it");
                assert_eq!(of.value, Some(Any::Int(7000)));
            });
        } else {
            println!("QEMU {}: no qom-list-get before 10.1", qemu.version);
        }
        for id in ["memory", "thread", "secret", "random"] {
            work.does(&ObjectDel::new(id));
        }
        assert_eq!(work.refused(&ObjectDel::new("memory")).class, "GenericError");
        work.ask(&QueryMemdev, |all| assert!(all.iter().all(|it| it.unwrap().id != Some("memory"))));
        work.finish();
    });
}

/// To list all types, QEMU loads all of its modules, and ends itself where one of them belongs to another QEMU of the machine.
#[test]
fn types_are_listed() {
    qemu::each(|qemu| {
        let mut work = Work::start(qemu, &[]);
        let list = QomListTypes { implements: Some("user-creatable"), ..QomListTypes::new() };
        let is_there = |all: List<'_, ObjectTypeInfo<'_>>| {
            let it = all.iter().map(Result::unwrap).find(|it| it.name == "iothread").expect("the type");
            assert!(it.r#abstract.is_none() && it.parent.is_some(), "{it:?}");
        };
        match work.monitor.send(&list, is_there) {
            Ok(()) => {
                work.ask(&list, is_there);
                work.finish();
            }
            Err(Error::OutcomeUnknown { .. }) if work.machine.complaints().contains("failed to initialize module") => {
                println!("QEMU {}: LEFT OUT, its modules are not its own: {}", qemu.version, work.machine.complaints());
            }
            Err(error) => panic!("{error}"),
        }
    });
}
