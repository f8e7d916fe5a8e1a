//! The readers that know serde: one type, one code for all.

use std::io::{self, Read};

use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};

use super::lines::Lines;
use crate::ours;
use crate::subject::{Subject, Task};
use crate::types::{BlockDeviceInfo, BlockStats, CpuDefinitionInfo, JobStatusChange, Reply, Timestamp};
use crate::work::{Tally, Work};

/// The reference. Validates all but UTF-8 in what is ignored.
pub(super) const SERDE_JSON: Subject = Subject {
    name: "serde_json",
    prepare: |work| prepare::<SerdeJson>(work),
    accepts: |text| accepts::<SerdeJson>(text),
};
/// Without an allocator. Validates little: of what is ignored it looks for the end.
pub(super) const SERDE_JSON_CORE: Subject = Subject {
    name: "serde-json-core",
    prepare: |work| prepare::<SerdeJsonCore>(work),
    accepts: |text| accepts::<SerdeJsonCore>(text),
};
/// SIMD, in place. Makes a tape of all that there is before a type is read.
pub(super) const SIMD_JSON: Subject =
    Subject { name: "simd-json", prepare: |work| prepare::<SimdJson>(work), accepts: |text| accepts::<SimdJson>(text) };
/// SIMD. Skips what is ignored.
pub(super) const SONIC_RS: Subject =
    Subject { name: "sonic-rs", prepare: |work| prepare::<SonicRs>(work), accepts: |text| accepts::<SonicRs>(text) };

/// A reader of one value from text that it may write to.
trait Parser: Default + 'static {
    fn read<'a, T: Deserialize<'a>>(&mut self, text: &'a mut [u8]) -> Option<T>;

    /// Values off a stream, if it can do that.
    fn stream<T: DeserializeOwned>(_: impl Read) -> Option<impl Iterator<Item = T>> {
        None::<std::iter::Empty<T>>
    }
}

#[derive(Default)]
struct SerdeJson;

impl Parser for SerdeJson {
    #[inline]
    fn read<'a, T: Deserialize<'a>>(&mut self, text: &'a mut [u8]) -> Option<T> {
        serde_json::from_slice(text).ok()
    }

    fn stream<T: DeserializeOwned>(from: impl Read) -> Option<impl Iterator<Item = T>> {
        Some(serde_json::Deserializer::from_reader(from).into_iter().map(|value| value.expect("as it is recorded")))
    }
}

#[derive(Default)]
struct SerdeJsonCore;

impl Parser for SerdeJsonCore {
    #[inline]
    fn read<'a, T: Deserialize<'a>>(&mut self, text: &'a mut [u8]) -> Option<T> {
        serde_json_core::from_slice(text).ok().map(|(value, _)| value)
    }
}

#[derive(Default)]
struct SimdJson(simd_json::Buffers);

impl Parser for SimdJson {
    #[inline]
    fn read<'a, T: Deserialize<'a>>(&mut self, text: &'a mut [u8]) -> Option<T> {
        simd_json::serde::from_slice_with_buffers(text, &mut self.0).ok()
    }
}

#[derive(Default)]
struct SonicRs;

impl Parser for SonicRs {
    #[inline]
    fn read<'a, T: Deserialize<'a>>(&mut self, text: &'a mut [u8]) -> Option<T> {
        sonic_rs::from_slice(text).ok()
    }
}

/// A message, by its members.
#[derive(Debug, Deserialize)]
struct Message {
    #[serde(rename = "QMP")]
    qmp: Option<IgnoredAny>,
    r#return: Option<IgnoredAny>,
    error: Option<IgnoredAny>,
    event: Option<IgnoredAny>,
    id: Option<u64>,
}

impl Message {
    fn count(&self, tally: &mut Tally) {
        tally.ids += self.id.unwrap_or_default();
        if self.r#return.is_some() {
            tally.returns += 1;
        } else if self.event.is_some() {
            tally.events += 1;
        } else if self.error.is_some() {
            tally.errors += 1;
        } else if self.qmp.is_some() {
            tally.greetings += 1;
        } else {
            panic!("{self:?}");
        }
    }
}

/// An event, told by its name; its data are read then.
#[derive(Debug, Deserialize)]
struct Event<'a> {
    event: &'a str,
    timestamp: Timestamp,
    #[serde(borrow)]
    data: Option<JobStatusChange<'a>>,
}

fn prepare<P: Parser>(work: Work) -> Option<Task> {
    match work {
        Work::Session | Work::SmallChunks | Work::Newer => Some(session::<P>(work)),
        Work::Pretty => P::stream::<Message>(io::empty()).map(|_| pretty::<P>()),
        Work::Schema => Some(reply::<P>(work, |parser, text| {
            parser.read::<Reply<IgnoredAny>>(text).map(|reply| {
                let IgnoredAny = reply.value;
                1
            })
        })),
        Work::Event | Work::EventWithData => Some(events::<P>(work)),
        Work::TypedRead => Some(typed_read::<P>()),
        Work::BlockStatistics => Some(reply::<P>(work, |parser, text| {
            parser.read::<Reply<Vec<BlockStats<'_>>>>(text).map(|list| list.value.iter().map(BlockStats::sum).sum())
        })),
        Work::NamedNodes => Some(reply::<P>(work, |parser, text| {
            let list = parser.read::<Reply<Vec<BlockDeviceInfo<'_>>>>(text);
            list.map(|list| list.value.iter().map(BlockDeviceInfo::sum).sum())
        })),
        Work::CpuDefinitions => Some(reply::<P>(work, |parser, text| {
            let list = parser.read::<Reply<Vec<CpuDefinitionInfo<'_>>>>(text);
            list.map(|list| list.value.iter().map(CpuDefinitionInfo::sum).sum())
        })),
    }
}

fn accepts<P: Parser>(text: &[u8]) -> bool {
    P::default().read::<IgnoredAny>(&mut text.to_vec()).is_some()
}

fn session<P: Parser>(work: Work) -> Task {
    let input = work.input();
    let mut parser = P::default();
    let mut lines = Lines::default();
    Box::new(move || {
        let mut tally = Tally::default();
        for piece in &input.pieces {
            lines.feed(piece, |line| parser.read::<Message>(line).expect("as it is recorded").count(&mut tally));
        }
        tally.number()
    })
}

/// Pieces, as a socket would hand them out.
struct Pieces<'a> {
    rest: &'a [Vec<u8>],
    at: usize,
}

impl Read for Pieces<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Some((first, rest)) = self.rest.split_first() else { return Ok(0) };
        let piece = &first[self.at..];
        let count = piece.len().min(buffer.len());
        buffer[..count].copy_from_slice(&piece[..count]);
        self.at += count;
        if self.at == first.len() {
            (self.rest, self.at) = (rest, 0);
        }
        Ok(count)
    }
}

fn pretty<P: Parser>() -> Task {
    let input = Work::Pretty.input();
    Box::new(move || {
        let mut tally = Tally::default();
        // As its documentation says, since it asks for single bytes.
        let from = io::BufReader::with_capacity(1460, Pieces { rest: &input.pieces, at: 0 });
        for message in P::stream::<Message>(from).into_iter().flatten() {
            message.count(&mut tally);
        }
        tally.number()
    })
}

/// A reply in one piece, copied as ours is, and read.
fn reply<P: Parser>(work: Work, read: fn(&mut P, &mut [u8]) -> Option<u64>) -> Task {
    let input = work.input();
    let mut parser = P::default();
    let mut buffer = vec![0; input.pieces[0].len()];
    // Who cannot read it takes no part.
    Box::new(move || {
        buffer.copy_from_slice(&input.pieces[0]);
        read(&mut parser, &mut buffer).unwrap_or(u64::MAX)
    })
}

fn events<P: Parser>(work: Work) -> Task {
    let input = work.input();
    let mut parser = P::default();
    let mut lines = Lines::default();
    Box::new(move || {
        let mut sum = 0;
        for piece in &input.pieces {
            lines.feed(piece, |line| {
                let event: Event<'_> = parser.read(line).expect("as it is recorded");
                sum += event.timestamp.sum();
                match event.event {
                    "STOP" => sum += 1,
                    "RESUME" => sum += 2,
                    "JOB_STATUS_CHANGE" => sum += event.data.expect("it has data").sum(),
                    other => panic!("{other}"),
                }
            });
        }
        sum
    })
}

fn typed_read<P: Parser>() -> Task {
    let pairs = ours::parts();
    let mut parser = P::default();
    // Read in place by some, so from a copy.
    let mut buffer = [0; 256];
    Box::new(move || {
        let mut sum = 0;
        for (data, timestamp) in &pairs {
            let text = &mut buffer[..data.len()];
            text.copy_from_slice(data);
            sum += parser.read::<JobStatusChange<'_>>(text).expect("as it is recorded").sum();
            let text = &mut buffer[..timestamp.len()];
            text.copy_from_slice(timestamp);
            sum += parser.read::<Timestamp>(text).expect("as it is recorded").sum();
        }
        sum
    })
}
