//! The events that four QEMUs were recorded to send, as types and beside the registry.

use core::fmt::Write as _;

use qmp_core::json::Value;
use qmp_qapi::Event;
use qmp_qapi::registry::{self, Release};
use qmp_tests::transcript::{self, What, payload, read};
use qmp_tests::vocabulary::{QMP, fault};

#[test]
fn recorded_events_are_read_as_their_types() {
    for transcript in transcript::all() {
        let release: Release = transcript.name.parse().expect("a release");
        let mut count = 0;
        for heard in read(&transcript.bytes, 64 << 10, &[], true) {
            let What::Event(event) = heard.what else { continue };
            count += 1;
            payload(event.data.as_deref().unwrap_or("null"), |payload| {
                check(release, &event.name, event.data.is_some(), payload.into_value());
            });
        }
        assert!(count > 3, "{}: {count} events", transcript.name);
    }
}

fn check(release: Release, name: &str, has_data: bool, data: Value<'_>) {
    let typed = Event::read(name, data).unwrap_or_else(|error| panic!("{name}: {error}: {data}"));
    assert!(typed.name() == name && !matches!(typed, Event::Other { .. }), "{typed:?}");
    assert_eq!(fault(QMP.decode_event(name, data), data), None, "{name}: {data}");
    let known = registry::qmp().event(name).expect("an event");
    assert!(known.presence.includes(release), "{name} in {release}");
    let mut misfits = String::new();
    known.check_data(has_data.then_some(data), release, |misfit| writeln!(misfits, "{misfit}").expect("memory"));
    assert!(misfits.is_empty(), "{name} of {release}: {misfits}{data}");
}
