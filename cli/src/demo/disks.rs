//! The demo machine's disks, whose names hold what JSON must escape and more.

use serde::Serialize;

/// A disk, in the form of `query-block`.
#[derive(Debug, Serialize)]
pub(super) struct Disk {
    device: &'static str,
    r#type: &'static str,
    locked: bool,
    removable: bool,
    inserted: Inserted,
}

#[derive(Debug, Serialize)]
struct Inserted {
    #[serde(rename = "node-name")]
    node_name: &'static str,
    file: &'static str,
    drv: &'static str,
    ro: bool,
}

pub(super) const DISKS: [Disk; 7] = [
    disk("virtio0", "/images/system.qcow2"),
    disk("the \"scratch\" disk", r"C:\images\win11.qcow2"),
    disk("disque système", "/images/été.qcow2"),
    disk("磁盘", "/images/数据.raw"),
    disk("💾 backup 🗄", "/images/💾.qcow2"),
    disk("tab\there, bell\u{7}, DEL\u{7F}", "/images/line\nbreak.raw"),
    disk("a NUL: \0", "/images/\u{1B}[31mred\u{1B}[0m.raw"),
];

const fn disk(device: &'static str, file: &'static str) -> Disk {
    let inserted = Inserted { node_name: device, file, drv: "qcow2", ro: false };
    Disk { device, r#type: "unknown", locked: false, removable: false, inserted }
}
