//! Reading and writing records. Those that are measured have five members each. Those before them bring along what is shared by all
//! records and by each kind of member that the measured ones have: so the difference is what one record more costs.

use qmp_qapi::types::*;

macro_rules! records {
    ($all:ident: $($of:ty = $value:expr;)*) => {
        pub(crate) mod $all {
            use super::*;

            #[cfg(feature = "decode")]
            pub(crate) fn read_each(value: qmp_core::json::Value<'_>) {
                $(decoding::read::<$of>(value);)*
            }

            #[cfg(feature = "encode")]
            pub(crate) fn write_each(memory: &mut [u8]) {
                $({
                    static RECORD: $of = $value;
                    encoding::write(core::hint::black_box(&RECORD), memory);
                })*
            }
        }
    };
}

records! { shared:
    VncBasicInfo<'_> = VncBasicInfo {
        host: "h", service: "1", family: NetworkAddressFamily::Ipv4, websocket: Some(true),
    };
    SpiceBasicInfo<'_> = SpiceBasicInfo { host: "h", port: "1", family: NetworkAddressFamily::Ipv4 };
    SecretProperties<'_> = SecretProperties {
        format: Some(QCryptoSecretFormat::Raw), keyid: Some("k"), iv: None, loaded: None, data: None, file: Some("f"),
    };
    BlockdevCreateOptionsSheepdog<'_> = BlockdevCreateOptionsSheepdog {
        location: BlockdevOptionsSheepdog {
            server: SocketAddress::Unix(UnixSocketAddress { path: "p", r#abstract: None, tight: None }),
            vdi: "v", snap_id: None, tag: None,
        },
        size: 1, backing_file: None, preallocation: Some(PreallocMode::Full), redundancy: None, object_size: None,
    };
    BlockdevOptionsNull = BlockdevOptionsNull { size: Some(1), latency_ns: Some(2), read_zeroes: Some(true) };
    NetdevHubPortOptions<'_> = NetdevHubPortOptions { hubid: 1, netdev: None };
    SnapshotInfo<'_> = SnapshotInfo {
        id: "1", name: "n", vm_state_size: 0, date_sec: 0, date_nsec: 0, vm_clock_sec: 0, vm_clock_nsec: 0, icount: None,
    };
}

#[cfg(feature = "measured")]
records! { measured:
    VncServerInfo<'_> = VncServerInfo {
        host: "h", service: "1", family: NetworkAddressFamily::Ipv4, websocket: None, auth: Some("a"),
    };
    SecretKeyringProperties<'_> = SecretKeyringProperties {
        format: None, keyid: Some("k"), iv: None, loaded: Some(false), serial: 1,
    };
    BlockdevCreateOptionsFile<'_> = BlockdevCreateOptionsFile {
        filename: "f", size: 1, preallocation: None, nocow: Some(true), extent_size_hint: Some(1),
    };
    BlockdevOptionsVVFAT<'_> = BlockdevOptionsVVFAT {
        dir: "d", fat_type: Some(12), floppy: None, label: Some("l"), rw: Some(true),
    };
    VmdkExtentInfo<'_> = VmdkExtentInfo {
        filename: "f", format: "FLAT", virtual_size: 1, cluster_size: None, compressed: Some(false),
    };
    SgxEPCDeviceInfo<'_> = SgxEPCDeviceInfo { id: Some("i"), memaddr: 1, size: 2, node: Some(0), memdev: "m" };
}

#[cfg(feature = "decode")]
pub(crate) mod decoding {
    use core::hint::black_box;

    use qmp_core::json::{Payload, Value};
    use serde::Deserialize;

    pub(crate) fn run(memory: &mut [u8]) {
        let Ok(payload) = Payload::parse(memory) else { return };
        let value = payload.into_value();
        super::shared::read_each(value);
        #[cfg(feature = "measured")]
        super::measured::read_each(value);
    }

    #[inline(never)]
    pub(crate) fn read<'a, T: Deserialize<'a>>(value: Value<'a>) {
        black_box(&value.decode::<T>());
    }
}

#[cfg(feature = "encode")]
pub(crate) mod encoding {
    use core::hint::black_box;

    use qmp_core::json::ser;
    use serde::Serialize;

    pub(crate) fn run(memory: &mut [u8]) {
        super::shared::write_each(memory);
        #[cfg(feature = "measured")]
        super::measured::write_each(memory);
    }

    #[inline(never)]
    pub(crate) fn write<T: Serialize>(record: &T, memory: &mut [u8]) {
        _ = black_box(ser::to_slice(record, memory));
    }
}
