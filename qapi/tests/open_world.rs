//! What no schema foresees, and what schemas foresee and few readers do: unknown names are kept or passed over, older forms are
//! read, and what cannot be read is an error that touches nothing else.
#![cfg(feature = "all")]

use core::fmt;
use std::thread;

use qmp_core::json::de::{self, ErrorKind};
use qmp_core::json::{Payload, Value, ser};
use qmp_qapi::commands::{BlockdevAdd, DeviceAdd, ObjectAdd, QueryBlock, QueryStatus, older};
use qmp_qapi::events::RdmaGidStatusChanged;
use qmp_qapi::types::{
    AudiodevGenericOptions, BlockDeviceTimedStats, BlockdevOptions, BlockdevOptionsBranch, BlockdevRef, ChardevBackend,
    CpuDefinitionInfo, CpuInfo, CpuInfoArch, CpuInfoBranch, CpuInfoFast, CpuInfoFastBranch, DisplayGLMode,
    DisplayOptions, ImageInfo, MigrationInfo, ObjectOptionsBranch, PciDeviceInfo, PciMemoryRegion, RunState, SevInfo,
    SevInfoBranch, StatsValue, StatusInfo, VersionTriple,
};
use qmp_qapi::{Any, Event, List, Pairs};
use serde::{Deserialize, Serialize};

/// JSON, kept until the test ends.
fn value(text: &str) -> Value<'static> {
    let bytes = Vec::leak(text.as_bytes().to_vec());
    Payload::parse(bytes).unwrap_or_else(|error| panic!("{error}: {text}")).into_value()
}

fn read<T: Deserialize<'static>>(text: &str) -> T {
    value(text).decode().unwrap_or_else(|error| panic!("{error}: {text}"))
}

fn error<T: Deserialize<'static> + fmt::Debug>(text: &str) -> de::Error {
    value(text).decode::<T>().expect_err(text)
}

fn refused<T: Deserialize<'static> + fmt::Debug>(text: &str) -> (ErrorKind, Option<String>) {
    let error = error::<T>(text);
    (error.kind(), error.name().map(Into::into))
}

fn written(it: &impl Serialize) -> String {
    let mut buffer = vec![0; 1 << 17];
    String::from_utf8(ser::to_slice(it, &mut buffer).expect("JSON").to_vec()).expect("UTF-8")
}

/// Reads a `T` that goes out again as it came.
fn both_ways<T: Deserialize<'static> + Serialize>(text: &str) -> T {
    let it = read::<T>(text);
    assert_eq!(written(&it), text);
    it
}

#[test]
fn unknown_members_are_passed_over() {
    let text = r#"{"x": {"running": [1]}, "running": true, "": null, "status": "running", "singlestep\u0000": 1}"#;
    assert_eq!(written(&read::<StatusInfo<'_>>(text)), r#"{"running":true,"status":"running"}"#);
    // Within a branch, too.
    let text = r#"{"id": 1, "type": "memory", "x": [], "data": {"x": 1, "size": 4096}}"#;
    assert_eq!(written(&read::<ChardevBackend<'_>>(text)), r#"{"type":"memory","data":{"size":4096}}"#);
}

#[test]
fn unknown_values_of_enums_are_kept() {
    for text in [r#"{"running":true,"status":"dreaming"}"#, r#"{"running":true,"status":""}"#] {
        assert!(matches!(both_ways::<StatusInfo<'_>>(text).status, RunState::Other(_)));
    }
    assert_eq!(read::<RunState<'_>>(r#""rUnning""#), RunState::Other("rUnning"));
    assert_eq!(read::<RunState<'_>>(r#""runn\u0069ng""#), RunState::Running);
    assert_eq!(refused::<RunState<'_>>("1").0, ErrorKind::ExpectedString);
    assert_eq!(refused::<RunState<'_>>("null").0, ErrorKind::ExpectedString);
}

#[test]
fn unknown_branches_keep_tag_and_members() {
    let text = r#"{"node-name":"n","driver":"teleport","to":["mars"],"x":{"y":1.50}}"#;
    let options = read::<BlockdevOptions<'_>>(text);
    assert_eq!(options.node_name, Some("n"));
    let BlockdevOptionsBranch::Other { tag, members } = options.driver else { panic!("{options:?}") };
    assert_eq!((tag, options.driver.tag()), ("teleport", Some("teleport")));
    assert_eq!(members.iter().map(|(name, _)| name).collect::<Vec<_>>(), ["to", "x"]);
    assert_eq!(written(&options), text);

    let text = r#"{"type":"teleport","data":{"to":["mars"]}}"#;
    let ChardevBackend::Other { tag, data } = both_ways(text) else { panic!("{text}") };
    assert_eq!((tag, data), ("teleport", Any::Received(value(r#"{"to":["mars"]}"#))));
}

#[test]
fn unknown_events_are_kept_with_their_data() {
    for data in [r#"{"guest":[true]}"#, "null", "[]"] {
        let Ok(Event::Other { name, data: kept }) = Event::read("TELEPORTED", value(data)) else { panic!("{data}") };
        assert_eq!((name, written(&kept)), ("TELEPORTED", data.to_owned()));
    }
    assert_eq!(Event::read("stop", Value::NULL).map(|event| event.name()), Ok("stop"));
    // A known one with data that it cannot have is an error.
    assert_eq!(Event::read("STOP", value("[]")).map_err(|error| error.kind()), Err(ErrorKind::ExpectedObject));
}

#[test]
fn alternates_keep_what_has_another_type() {
    assert_eq!(read::<StatsValue<'_>>("18446744073709551615"), StatsValue::Scalar(u64::MAX));
    assert_eq!(read::<StatsValue<'_>>("true"), StatsValue::Boolean(true));
    assert_eq!(read::<StatsValue<'_>>("[1,2]"), StatsValue::List(List::new(&[1, 2])));
    for text in ["\"many\"", r#"{"a":[null]}"#, "null"] {
        assert!(matches!(both_ways::<StatsValue<'_>>(text), StatsValue::Other(_)));
    }
    // The type is right, the value is not.
    assert_eq!(refused::<StatsValue<'_>>("-1").0, ErrorKind::NumberOutOfRange);
    assert!(matches!(both_ways::<BlockdevRef<'_>>("7"), BlockdevRef::Other(_)));
}

#[test]
fn a_tag_is_found_wherever_it_stands() {
    let expected = r#"{"node-name":"n","read-only":true,"driver":"null-co","size":512}"#;
    for text in [
        r#"{"driver": "null-co", "node-name": "n", "read-only": true, "size": 512}"#,
        r#"{"size": 512, "node-name": "n", "driver": "null-co", "read-only": true}"#,
        r#"{"size": 512, "x": {"driver": "file"}, "node-name": "n", "read-only": true, "driver": "null-co"}"#,
        r#"{"node-name": "n", "dri\u0076er": "null\u002dco", "siz\u0065": 512, "read-only": true}"#,
    ] {
        assert_eq!(written(&read::<BlockdevOptions<'_>>(text)), expected, "{text}");
    }
    for text in [
        r#"{"type": "memory", "data": {"size": 1}}"#,
        r#"{"data": {"size": 1}, "type": "memory"}"#,
        r#"{"data": {"type": "pty", "size": 1}, "typ\u0065": "memor\u0079"}"#,
    ] {
        assert_eq!(written(&read::<ChardevBackend<'_>>(text)), r#"{"type":"memory","data":{"size":1}}"#, "{text}");
    }
}

#[test]
fn a_tag_that_is_missing_is_an_error() {
    let missing = |name: &str| (ErrorKind::MissingMember, Some(name.to_owned()));
    assert_eq!(refused::<BlockdevOptions<'_>>(r#"{"node-name": "n"}"#), missing("driver"));
    assert_eq!(refused::<ChardevBackend<'_>>(r#"{"data": {}}"#), missing("type"));
    assert_eq!(refused::<ChardevBackend<'_>>(r#"{"type": "pty"}"#), missing("data"));
    assert_eq!(refused::<BlockdevOptions<'_>>(r#"{"driver": 7}"#).0, ErrorKind::WrongType);
    assert_eq!(refused::<BlockdevOptions<'_>>(r#"["driver"]"#).0, ErrorKind::WrongType);
    assert_eq!(refused::<BlockdevOptions<'_>>("null").0, ErrorKind::WrongType);
}

#[test]
fn tags_that_older_releases_left_out_are_not_needed() {
    let state = r#""enabled":true,"api-major":1,"api-minor":51,"build-id":9,"state":"running""#;
    let sev = read::<SevInfo<'_>>(&format!(r#"{{{state},"policy":5,"handle":2}}"#));
    let SevInfoBranch::Sev(branch) = sev.sev_type else { panic!("{sev:?}") };
    assert_eq!((branch.policy, branch.handle), (5, 2));

    let cpu = r#"{"CPU":0,"current":true,"halted":false,"thread_id":3134,"pc":3227107138}"#;
    let CpuInfoBranch::Untagged(registers) = both_ways::<CpuInfo<'_>>(cpu).arch else { panic!("{cpu}") };
    assert_eq!((registers.pc, registers.nip), (Some(3_227_107_138), None));
    let cpu = r#"{"CPU":0,"current":true,"halted":false,"thread_id":1,"arch":"x86","pc":1}"#;
    assert!(matches!(both_ways::<CpuInfo<'_>>(cpu).arch, CpuInfoBranch::X86(_)));

    // 2.12 sent the architecture as `arch` alone.
    let cpu = r#"{"cpu-index":0,"qom-path":"/machine/unattached/device[0]","thread-id":1,"arch":"x86"}"#;
    let cpu = both_ways::<CpuInfoFast<'_>>(cpu);
    assert_eq!((cpu.target, cpu.arch.map(CpuInfoArch::name)), (CpuInfoFastBranch::Untagged, Some("x86")));
}

#[test]
fn values_that_changed_their_type_are_read_in_both() {
    // An on-off switch until 2.12.
    let gl = |text: &str| read::<DisplayOptions<'_>>(&format!(r#"{{"gl": {text}, "type": "none"}}"#)).gl;
    assert_eq!((gl("true"), gl("false")), (Some(DisplayGLMode::On), Some(DisplayGLMode::Off)));
    assert_eq!((gl("\"es\""), gl("\"x\"")), (Some(DisplayGLMode::Es), Some(DisplayGLMode::Other("x"))));
    assert_eq!(refused::<DisplayOptions<'_>>(r#"{"gl": 1, "type": "none"}"#).0, ErrorKind::ExpectedString);
}

#[test]
fn events_without_data_are_read() {
    // Before 2.10 there was none.
    let Ok(Event::Shutdown(shutdown)) = Event::read("SHUTDOWN", Value::NULL) else { panic!("no event") };
    assert_eq!((shutdown.guest, shutdown.reason), (None, None));
    let Ok(Event::Shutdown(shutdown)) = Event::read("SHUTDOWN", value(r#"{"guest": true}"#)) else {
        panic!("no event")
    };
    assert_eq!((shutdown.guest, shutdown.reason), (Some(true), None));
    // One that never came without.
    assert_eq!(
        Event::read("BLOCK_JOB_READY", Value::NULL).map_err(|error| error.kind()),
        Err(ErrorKind::ExpectedObject)
    );
}

#[test]
fn numbers_keep_all_their_digits() {
    let text = r#"{"netdev":"n","gid-status":true,"subnet-prefix":33022,"interface-id":18446744073709551615}"#;
    assert_eq!(both_ways::<RdmaGidStatusChanged<'_>>(text).interface_id, u64::MAX);
    let text = text.replace("709551615", "709551616");
    assert_eq!(refused::<RdmaGidStatusChanged<'_>>(&text).0, ErrorKind::NumberOutOfRange);

    // A region without an address.
    let region = both_ways::<PciMemoryRegion<'_>>(r#"{"bar":0,"type":"memory","address":-1,"size":4096}"#);
    assert_eq!((region.address, region.r#type), (-1, "memory"));
    assert_eq!(refused::<PciMemoryRegion<'_>>(r#"{"bar": 1.0}"#).0, ErrorKind::ExpectedInteger);
    assert_eq!(refused::<PciMemoryRegion<'_>>(r#"{"bar": "1"}"#).0, ErrorKind::ExpectedInteger);
}

#[test]
fn numbers_that_may_have_a_fraction_need_none() {
    let stats = |rate: &str| {
        format!(
            r#"{{"interval_length":60,"min_rd_latency_ns":0,"max_rd_latency_ns":0,"avg_rd_latency_ns":0,
            "min_wr_latency_ns":0,"max_wr_latency_ns":0,"avg_wr_latency_ns":0,"min_flush_latency_ns":0,
            "max_flush_latency_ns":0,"avg_flush_latency_ns":0,"avg_rd_queue_depth":{rate},"avg_wr_queue_depth":0}}"#
        )
    };
    for (text, number) in [("3", 3.0), ("-0", -0.0), ("3.0", 3.0), ("3e0", 3.0), ("0.25", 0.25)] {
        let depth = read::<BlockDeviceTimedStats>(&stats(text)).avg_rd_queue_depth;
        assert!(depth == number && depth.is_sign_negative() == number.is_sign_negative(), "{text}: {depth}");
    }
    assert_eq!(refused::<BlockDeviceTimedStats>(&stats("\"3\"")).0, ErrorKind::ExpectedNumber);
}

#[test]
fn members_may_be_named_like_words_of_rust() {
    let text = r#"{"in":{"mixing-engine":false},"out":{"voices":2}}"#;
    let audio = both_ways::<AudiodevGenericOptions<'_>>(text);
    assert_eq!(audio.r#in.and_then(|it| it.mixing_engine), Some(false));
    let cpu = both_ways::<CpuDefinitionInfo<'_>>(r#"{"name":"max","static":false}"#);
    assert_eq!(cpu.r#static, Some(false));
}

/// An image with so many images behind it.
fn chain(length: usize) -> String {
    let mut text = String::new();
    for number in 0..length {
        text += &format!(r#"{{"filename":"{number}","format":"qcow2","virtual-size":1,"backing-image":"#);
    }
    text + r#"{"filename":"last","format":"raw","virtual-size":1}"# + &"}".repeat(length)
}

/// Follows a chain to its end, and tells its length.
fn follow(mut image: ImageInfo<'_>) -> usize {
    let mut length = 0;
    while let Some(backing) = image.backing_image {
        image = backing.get().expect("an image");
        length += 1;
    }
    assert_eq!(image.filename, "last");
    length
}

#[test]
fn what_holds_itself_is_read_without_more_stack() {
    // 1,024 levels is what a message may have.
    for length in [200, 1023] {
        let text = chain(length);
        let follow = move || {
            let image = read::<ImageInfo<'_>>(&text);
            assert_eq!(written(&image), text);
            assert_eq!(format!("{image:?}"), text);
            let others = [text.clone(), text.replace("last", "lost")];
            assert_eq!(others.map(|other| image == read::<ImageInfo<'_>>(&other)), [true, false]);
            follow(image)
        };
        // A thousandth part of it for each level is not enough for anything.
        let thread = thread::Builder::new().stack_size(128 << 10).spawn(follow).expect("a thread");
        assert_eq!(thread.join().expect("no overflow"), length);
    }
    let mut text = chain(1024).into_bytes();
    assert!(Payload::parse(&mut text).is_err());
}

/// A bridge behind a bridge, as many of them.
fn bridges(length: usize) -> String {
    let device = r#"{"bus":0,"slot":1,"function":0,"class_info":{"class":1},"id":{"device":1,"vendor":2},"qdev_id":"d","regions":[]"#;
    let range = r#"{"base":0,"limit":0}"#;
    let bus = format!(
        r#"{{"number":0,"secondary":1,"subordinate":2,"io_range":{range},"memory_range":{range},"prefetchable_range":{range}}}"#
    );
    let bridge = format!(r#"{device},"pci_bridge":{{"bus":{bus},"devices":["#);
    format!("[{}{device}}}{}]", bridge.repeat(length), "]}}".repeat(length))
}

#[test]
fn lists_within_lists_are_compared_without_more_stack() {
    // Three levels of JSON for each.
    for length in [50, 340] {
        let (text, other) = (bridges(length), bridges(length - 1));
        let compare = move || {
            let [one, same, other] = [&text, &text, &other].map(|text| read::<List<'_, PciDeviceInfo<'_>>>(text));
            assert_eq!((one == same, one == other), (true, false));
        };
        let thread = thread::Builder::new().stack_size(128 << 10).spawn(compare).expect("a thread");
        thread.join().expect("no overflow");
    }
}

#[test]
fn given_and_received_are_equal_if_what_they_hold_is() {
    let image =
        |name: &str| read::<ImageInfo<'_>>(&format!(r#"{{"filename":"{name}","format":"raw","virtual-size":1}}"#));
    let [one, other] = ["one", "other"].map(image);
    let received = read::<ImageInfo<'_>>(
        r#"{"filename":"above","format":"raw","virtual-size":1,"backing-image":
            {"x":0,"virtual-size":1,"format":"raw","filename":"one"}}"#,
    );
    for (backing, is) in [(one, true), (other, false)] {
        let given = ImageInfo { backing_image: Some((&backing).into()), ..image("above") };
        assert_eq!((given == received, received == given), (is, is));
    }
    let elements = [VersionTriple { major: 1, minor: 2, micro: 3 }];
    let given = List::new(&elements);
    for (text, is) in [
        (r#"[{"x": 0, "micro": 3, "minor": 2, "major": 1}]"#, true),
        (r#"[{"major": 1, "minor": 2, "micro": 4}]"#, false),
        (r#"[{"major": 1, "minor": 2}]"#, false),
        ("[]", false),
    ] {
        let received = read::<List<'_, VersionTriple>>(text);
        assert_eq!((given == received, received == given), (is, is), "{text}");
    }
}

#[test]
fn a_bad_value_deep_within_is_an_error_where_it_is_asked_for() {
    let text = chain(3).replace(r#""filename":"2","format":"qcow2""#, r#""filename":"2","format":null"#);
    let first = read::<ImageInfo<'_>>(&text).backing_image.expect("an image").get().expect("an image");
    let error = first.backing_image.expect("an image").get().expect_err("its format is null");
    assert_eq!(error.kind(), ErrorKind::ExpectedString);
}

#[test]
fn an_element_that_cannot_be_read_is_an_error_of_its_own() {
    let list = read::<List<'_, VersionTriple>>(
        r#"[{"major": 1, "minor": 2, "micro": 3}, {"major": 1}, 7, null, {"major": 4, "minor": 5, "micro": 6}]"#,
    );
    assert_eq!(list.len(), 5);
    let kinds = list.iter().map(|element| element.map(|it| it.major).map_err(|error| error.kind()));
    let (missing, wrong) = (Err(ErrorKind::MissingMember), Err(ErrorKind::ExpectedObject));
    assert_eq!(kinds.collect::<Vec<_>>(), [Ok(1), missing, wrong, wrong, Ok(4)]);
    assert_eq!(refused::<List<'_, VersionTriple>>("{}").0, ErrorKind::WrongType);
    assert_eq!(refused::<List<'_, VersionTriple>>("null").0, ErrorKind::WrongType);
}

#[test]
fn a_member_that_comes_twice_is_an_error() {
    let twice = |name: &str| (ErrorKind::DuplicateMember, Some(name.to_owned()));
    assert_eq!(refused::<StatusInfo<'_>>(r#"{"running": true, "running": true, "status": "a"}"#), twice("running"));
    assert_eq!(refused::<StatusInfo<'_>>(r#"{"running": true, "status": "a", "s\u0074atus": "a"}"#), twice("status"));
    assert_eq!(refused::<BlockdevOptions<'_>>(r#"{"driver": "null-co", "size": 1, "size": 1}"#), twice("size"));
    assert_eq!(refused::<ChardevBackend<'_>>(r#"{"type": "memory", "data": {}, "data": {}}"#), twice("data"));
    // What nobody reads may.
    assert!(read::<StatusInfo<'_>>(r#"{"x": 1, "running": true, "x": 1, "status": "a"}"#).running);
}

#[test]
fn null_is_no_way_to_leave_a_member_out() {
    assert_eq!(
        refused::<BlockdevOptions<'_>>(r#"{"driver": "null-co", "node-name": null}"#).0,
        ErrorKind::ExpectedString
    );
    assert_eq!(refused::<MigrationInfo<'_>>(r#"{"status": null}"#).0, ErrorKind::ExpectedString);
    assert_eq!(refused::<MigrationInfo<'_>>(r#"{"ram": null}"#).0, ErrorKind::ExpectedObject);
    assert_eq!(refused::<MigrationInfo<'_>>(r#"{"blocked-reasons": null}"#).0, ErrorKind::WrongType);
    assert_eq!(written(&read::<MigrationInfo<'_>>("{}")), "{}");
}

#[test]
fn a_command_that_takes_anything_takes_it_both_ways() {
    let more = [("netdev", Any::Str("n0")), ("num-queues", Any::Uint(4)), ("x", Any::Dict(&[("y", Any::Bool(true))]))];
    let given = DeviceAdd { id: Some("net0"), others: Pairs::new(&more), ..DeviceAdd::new("virtio-net-pci") };
    let text = r#"{"driver":"virtio-net-pci","id":"net0","netdev":"n0","num-queues":4,"x":{"y":true}}"#;
    assert_eq!(written(&given), text);
    let received = both_ways::<DeviceAdd<'_>>(text);
    assert_eq!(received, given);
    assert_eq!(received.others.get("num-queues"), Some(Any::Int(4)));
    // What has a field is none of the others, wherever it stands.
    let received = read::<DeviceAdd<'_>>(r#"{"a": 1, "i\u0064": "i", "driver": "d", "b": 2}"#);
    assert_eq!(written(&received), r#"{"driver":"d","id":"i","a":1,"b":2}"#);
}

#[test]
fn a_command_that_needs_no_arguments_is_read_without_any() {
    // As a server does, which gets no `arguments` then.
    for text in ["null", "{}"] {
        assert_eq!(read::<QueryBlock>(text), QueryBlock::new());
        assert_eq!(read::<QueryStatus>(text), QueryStatus);
    }
    assert_eq!(refused::<DeviceAdd<'_>>("null").0, ErrorKind::ExpectedObject);
    assert_eq!(refused::<QueryBlock>("[]").0, ErrorKind::ExpectedObject);
}

#[test]
fn commands_are_read_in_their_older_forms() {
    // Until 5.2 the object's own properties stood in `props`.
    let text = r#"{"qom-type":"iothread","id":"io0","props":{"poll-max-ns":1000}}"#;
    let before = both_ways::<older::ObjectAdd<'_>>(text);
    assert_eq!((before.qom_type, before.id), ("iothread", "io0"));
    let props = Any::Dict(&[("poll-max-ns", Any::Int(1000))]);
    assert_eq!(before, older::ObjectAdd { props: Some(props), ..older::ObjectAdd::new("iothread", "io0") });

    let text = r#"{"id":"io0","qom-type":"iothread","poll-max-ns":1000}"#;
    let after = read::<ObjectAdd<'_>>(text).0;
    let ObjectOptionsBranch::Iothread(iothread) = after.qom_type else { panic!("{after:?}") };
    assert_eq!((after.id, iothread.poll_max_ns), ("io0", Some(1000)));
}

#[test]
fn a_command_that_is_a_union_keeps_branches_unknown() {
    let text = r#"{"node-name":"n","driver":"teleport","to":1}"#;
    assert!(matches!(both_ways::<BlockdevAdd<'_>>(text).0.driver, BlockdevOptionsBranch::Other { .. }));
}
