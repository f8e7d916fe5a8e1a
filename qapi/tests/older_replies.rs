//! What older releases reply, as it came from them, where the vocabulary of today knows more.

#![cfg(feature = "block-core")]

use qmp_core::json::Payload;
use qmp_qapi::List;
use qmp_qapi::types::{BlockJobInfo, BlockJobInfoBranch};

/// `actively-synced` is there since 8.2, where the members became a union; 7.2 sent this.
#[test]
fn a_mirror_that_does_not_tell_whether_it_is_synced() {
    let mut text = br#"[{"auto-finalize": false, "io-status": "ok", "device": "mirror", "auto-dismiss": false, "busy": false,
        "len": 262144, "offset": 262144, "status": "ready", "paused": false, "speed": 0, "ready": true, "type": "mirror"}]"#
        .to_vec();
    let jobs: List<'_, BlockJobInfo<'_>> = Payload::parse(&mut text).unwrap().decode().unwrap();
    let job = jobs.get(0).unwrap().unwrap();
    assert_eq!((job.device, job.ready), ("mirror", Some(true)));
    assert!(matches!(job.r#type, BlockJobInfoBranch::Mirror(mirror) if mirror.actively_synced.is_none()));
}
