//! The memory of real machines: dumped, saved, ballooned, by typed commands.

use qmp_core::json::Value;
use qmp_qapi::commands::{
    Balloon, DumpGuestMemory, Memsave, Pmemsave, QomGet, QomSet, QueryBalloon, QueryCpusFast, QueryDump,
    QueryDumpGuestMemoryCapability, QueryMemorySizeSummary,
};
use qmp_qapi::types::{CpuInfoFastBranch, DumpGuestMemoryFormat, DumpStatus};
use qmp_qapi::{Any, Event};
use qmp_tests::qemu;
use qmp_tests::work::Work;

const MEMORY: i64 = 64 << 20;

#[test]
fn memory_is_dumped_whole_and_in_part() {
    qemu::each(|qemu| {
        let mut work = Work::start(qemu, &[]);
        work.ask(&QueryDump, |it| assert_eq!((it.status, it.completed, it.total), (DumpStatus::None, 0, 0)));
        let zlib = work.ask(&QueryDumpGuestMemoryCapability, |it| {
            let formats: Vec<_> = it.formats.iter().map(|format| format.unwrap().name()).collect();
            println!("QEMU {}: {formats:?}", qemu.version);
            assert!(formats.contains(&"elf"));
            formats.contains(&"kdump-zlib")
        });
        let whole = format!("file:{}", work.path("whole"));
        work.does(&DumpGuestMemory { detach: Some(true), ..DumpGuestMemory::new(false, &whole) });
        let completed = |work: &mut Work| {
            work.event("DUMP_COMPLETED", |event| match event {
                Event::DumpCompleted(it) => {
                    assert_eq!((it.result.status, it.error), (DumpStatus::Completed, None));
                    Some((it.result.completed, it.result.total))
                }
                _ => None,
            })
        };
        let (done, total) = completed(&mut work);
        assert!(done == total && total >= MEMORY, "{done} of {total}");
        work.ask(&QueryDump, |it| assert_eq!((it.status, it.completed), (DumpStatus::Completed, total)));
        let dump = work.content("whole");
        assert!(dump.starts_with(b"\x7fELF") && dump.len() as i64 > MEMORY);

        let part = format!("file:{}", work.path("part"));
        work.does(&DumpGuestMemory { begin: Some(0), length: Some(1 << 16), ..DumpGuestMemory::new(false, &part) });
        completed(&mut work);
        assert!(work.content("part").len() < 1 << 20);
        if zlib {
            let packed = format!("file:{}", work.path("packed"));
            let format = Some(DumpGuestMemoryFormat::KdumpZlib);
            work.does(&DumpGuestMemory { format, ..DumpGuestMemory::new(false, &packed) });
            completed(&mut work);
            assert!(work.content("packed").starts_with(b"makedumpfile"));
        }
        let unknown =
            DumpGuestMemory { format: Some(DumpGuestMemoryFormat::Other("xz")), ..DumpGuestMemory::new(false, &part) };
        assert_eq!(work.refused(&unknown).class, "GenericError");
        work.finish();
    });
}

/// Where a PC begins: a far jump, in the firmware's last 16 bytes.
#[test]
fn memory_is_saved() {
    qemu::each(|qemu| {
        let mut work = Work::start(qemu, &["-smp", "2"]);
        let (first, second) = (work.path("by cpu"), work.path("by address"));
        work.does(&Memsave { cpu_index: Some(1), ..Memsave::new(0xFFFF_FFF0, 16, &first) });
        work.does(&Pmemsave::new(0xFFFF_FFF0, 16, &second));
        let bytes = work.content("by cpu");
        assert_eq!((bytes.len(), bytes[0], &bytes), (16, 0xEA, &work.content("by address")));
        assert_eq!(work.refused(&Memsave { cpu_index: Some(9), ..Memsave::new(0, 1, &first) }).class, "GenericError");
        work.ask(&QueryCpusFast, |cpus| {
            assert_eq!(cpus.len(), 2);
            let cpu = cpus.get(1).unwrap().unwrap();
            assert_eq!((cpu.cpu_index, cpu.qom_path.starts_with("/machine/")), (1, true));
            assert!(cpu.thread_id > 0 && matches!(cpu.target, CpuInfoFastBranch::X86_64), "{cpu:?}");
        });
        work.finish();
    });
}

#[test]
fn a_balloon_is_told_its_size() {
    qemu::each(|qemu| {
        let mut work = Work::start(qemu, &["-device", "virtio-balloon-pci,id=balloon"]);
        work.ask(&QueryBalloon, |it| assert_eq!(it.actual, MEMORY));
        // Without a guest nothing comes of it.
        work.does(&Balloon::new(32 << 20));
        work.ask(&QueryBalloon, |it| assert_eq!(it.actual, MEMORY));
        assert_eq!(work.refused(&Balloon::new(-1)).class, "GenericError");
        work.ask(&QueryMemorySizeSummary, |it| assert_eq!(it.base_memory, MEMORY as u64));
        let path = "/machine/peripheral/balloon";
        work.does(&QomSet::new(path, "guest-stats-polling-interval", Any::Int(2)));
        work.ask(&QomGet::new(path, "guest-stats-polling-interval"), |it| assert_eq!(it, Any::Int(2)));
        work.ask(&QomGet::new(path, "guest-stats"), |it| {
            let stats = it.received().expect("a value");
            // What was never told is 2^64 - 1, or not there.
            println!("QEMU {}: {:?}", qemu.version, stats.get("stats"));
            assert!(stats.get("last-update").and_then(Value::as_i64).is_some());
        });
        work.finish();

        let mut without = Work::start(qemu, &[]);
        assert_eq!(without.refused(&QueryBalloon).class, "DeviceNotActive");
        without.finish();
    });
}
