//! Members of long replies through small buffers: a chain of 200 backing files; and what memory that takes.

use std::path::Path as File;
use std::sync::{Mutex, PoisonError};

use peak_alloc::PeakAlloc;
use qmp_core::client::{Config, Delivery, Message, Slot, StaticStorage};
use qmp_core::json::{self, Path, Paths, Payload, Projection};
use qmp_std::Options;
use qmp_tests::LIMIT;
use qmp_tests::qemu::{self, Machine, Qemu};
use qmp_tests::session::Session;
use qmp_tests::work::tool;
use serde::Deserialize;
use serde_json::{Value, json};

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// It counts what is allocated in this process: one test at a time, then.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// How many files there are, each backed by the one before.
const FILES: usize = 200;

/// Three members of an image, and the image that backs it.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Image<'a> {
    #[serde(borrow)]
    filename: &'a str,
    format: &'a str,
    virtual_size: u64,
    #[serde(borrow, default)]
    backing_image: Option<json::Value<'a>>,
}

impl Paths for Image<'_> {
    const PATHS: &'static [Path] = &[
        Path { name: "filename", below: <&str as Paths>::paths },
        Path { name: "format", below: <&str as Paths>::paths },
        Path { name: "virtual-size", below: u64::paths },
        Path { name: "backing-image", below: Image::paths },
    ];
}

/// What is read of a device: `inserted.image`.
struct Device;
impl Paths for Device {
    const PATHS: &'static [Path] =
        &[Path { name: "inserted", below: || const { &[Path { name: "image", below: Image::paths }] } }];
}

/// Makes the chain in `folder`. A file is not opened for the next one to be made.
fn chain(folder: &File) {
    for number in 0..FILES {
        let name = format!("{number}.qcow2");
        let mut arguments = vec!["create", "-q", "-u", "-f", "qcow2"];
        let backing = format!("{}.qcow2", number.saturating_sub(1));
        if number > 0 {
            arguments.extend(["-F", "qcow2", "-b", &backing]);
        }
        arguments.extend([&name, "1M"]);
        tool("qemu-img", &arguments, folder);
    }
}

fn on_each_qemu(check: impl Fn(&Qemu, &Machine)) {
    let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let folder = tempfile::tempdir().expect("a folder");
    chain(folder.path());
    let last = folder.path().join(format!("{}.qcow2", FILES - 1));
    let drive = format!("if=none,id=disk,format=qcow2,file={}", last.display());
    for qemu in qemu::all() {
        check(&qemu, &Machine::with(&qemu, false, &["-drive", &drive]));
    }
}

/// The images of the chain, by number, as they are read of the kept reply to `query-block`.
fn images(devices: Payload<'_>) -> usize {
    let disks = devices.into_value().elements().filter_map(|device| device.get("inserted")?.get("image"));
    let mut next = disks.last();
    let mut numbers = (0..FILES).rev();
    while let Some(image) = next {
        let names: Vec<&str> = image.entries().map(|(name, _)| name).collect();
        let Image { filename, format, virtual_size, backing_image } = image.decode().expect("an image");
        let number = numbers.next().expect("no more than there are");
        assert!(filename.ends_with(&format!("/{number}.qcow2")) || filename == format!("{number}.qcow2"), "{filename}");
        assert_eq!((format, virtual_size), ("qcow2", 1 << 20));
        assert_eq!(names.len(), if number > 0 { 4 } else { 3 }, "{names:?}");
        next = backing_image;
    }
    assert_eq!(numbers.next(), None);
    FILES
}

#[test]
fn a_chain_of_backing_files_keeps_three_members_at_every_level() {
    on_each_qemu(|qemu, machine| {
        // A path that follows a type into itself, and the same members wherever they stand.
        let by_type = Delivery::members_of::<Device>();
        let by_name = Delivery::Members(Projection::Named(&[
            "inserted.image.**.filename",
            "inserted.image.**.format",
            "inserted.image.**.virtual-size",
        ]));
        let mut storage = StaticStorage::<{ 40 << 10 }, 512, 8>::new();
        let mut session = Session::new(machine.connect(), storage.lend(), Config::DEFAULT);
        session.handshake();
        let ticket = session.execute("query-block", &Value::Null);
        let whole = session.look(|message| match message {
            Message::Oversize { ticket: Some(of), message } if of == ticket => message.bytes,
            other => panic!("{other:?}"),
        });
        let ticket = session.execute("query-block", &Value::Null);
        session.client.commands().set_delivery(ticket, by_type).expect("in flight");
        let kept = session.look(|message| match message {
            Message::Reply { ticket: of, outcome: Ok(devices) } if of == ticket => {
                let kept = devices.raw().len();
                assert_eq!(images(devices), FILES);
                kept
            }
            other => panic!("{other:?}"),
        });
        println!(
            "QEMU {}: of a reply of {whole} bytes, {kept} are kept, three members of {FILES} images",
            qemu.version
        );
        assert!(kept as u64 * 2 < whole);
        let ticket = session.execute("query-block", &Value::Null);
        session.client.commands().set_delivery(ticket, by_name).expect("in flight");
        session.look(|message| match message {
            Message::Reply { ticket: of, outcome: Ok(devices) } if of == ticket => {
                assert_eq!(devices.raw_str().unwrap_or_default().matches("\"virtual-size\"").count(), FILES);
            }
            other => panic!("{other:?}"),
        });
        session.check_alive();
    });
}

#[test]
fn each_file_of_a_chain_passes_through_two_kib() {
    on_each_qemu(|qemu, machine| {
        let members = Projection::Named(&["node-name", "drv", "image.virtual-size"]);
        // As on a machine without an allocator: all in one static piece.
        let mut storage = StaticStorage::<2048, 512, 4>::new();
        let mut session = Session::new(machine.connect(), storage.lend(), Config::DEFAULT);
        session.handshake();
        let ticket = session.execute("query-named-block-nodes", &Value::Null);
        session.client.commands().set_delivery(ticket, Delivery::ElementMembers(&[], members)).expect("in flight");
        let (mut bytes, mut longest, mut images) = (0, 0, 0);
        let before = MEMORY.current_usage();
        MEMORY.reset_peak_usage();
        loop {
            let more = session.look(|message| match message {
                Message::Element { ticket: of, element, .. } if of == ticket => {
                    let node = element.expect("it fits").into_value();
                    assert_eq!(node.entries().count(), 3, "{node}");
                    let size =
                        node.get("image").and_then(|image| image.get("virtual-size")).and_then(json::Value::as_u64);
                    images += usize::from(
                        node.get("drv").and_then(json::Value::as_str) == Some("qcow2") && size == Some(1 << 20),
                    );
                    true
                }
                Message::ElementsEnd { ticket: of, late: false, .. } if of == ticket => false,
                other => panic!("{other:?}"),
            });
            if !more {
                break;
            }
            let length = session.origin.expect("it came in bytes").bytes;
            bytes += length;
            longest = longest.max(length);
        }
        println!(
            "QEMU {}: {bytes} bytes of {images} images' nodes, the longest {longest}, through {} bytes of client and buffers; \
             the test's own allocations {}",
            qemu.version,
            size_of_val(&session.client) + 2048 + 512 + 4 * size_of::<Slot>(),
            MEMORY.peak_usage().saturating_sub(before),
        );
        assert_eq!(images, FILES);
        assert!(longest > 20 << 10 && bytes > 1 << 20);
        session.check_alive();
    });
}

#[test]
fn a_struct_of_three_members_takes_memory_for_three() {
    #[derive(Deserialize, Debug)]
    #[allow(dead_code, reason = "it is read, and shown")]
    struct Device {
        device: String,
        removable: bool,
        locked: bool,
    }
    on_each_qemu(|qemu, machine| {
        let options = Options::new().deadline(LIMIT).timeout(LIMIT).rx_limit(4096);
        let mut monitor = options.unix(machine.socket()).expect("a monitor");
        let before = MEMORY.current_usage();
        MEMORY.reset_peak_usage();
        let devices: Vec<Device> =
            monitor.execute_members(Projection::probe::<Device>(), "query-block", &json!({})).expect("devices");
        let peak = MEMORY.peak_usage().saturating_sub(before);
        println!("QEMU {}: {} devices, peak memory {peak} bytes", qemu.version, devices.len());
        assert!(devices.iter().any(|device| device.device == "disk"), "{devices:?}");
        assert!(peak < 8 << 10, "{peak}");
    });
}
