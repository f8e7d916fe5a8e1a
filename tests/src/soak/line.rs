//! What is on its way to the client: bytes, and what must come of them. Between the server's messages strangers' are put, and damage.

use alloc::collections::VecDeque;

use crate::random::Random;

/// Bytes on their way to the client, and what is foretold of them.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) bytes: VecDeque<u8>,
    foretold: VecDeque<Entry>,
    /// How many bytes were put on it.
    length: u64,
    /// As many messages must pass as they are: behind damage, so that what it costs can be told.
    calm: u8,
}

/// What must come of a line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Foretold {
    Greeting,
    Ready,
    Event(u32),
    /// The reply to the command with this id, so long.
    Reply(u32, u64),
    /// A reply that is nobody's, so long.
    Foreign(u64),
    Diagnostic,
    Unknown,
    /// Bytes in front of a message that are none.
    Junk,
    /// A message that breaks off: of the command with this id, if it is a reply.
    Broken(Option<u32>),
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    what: Foretold,
    /// Where in the stream it begins.
    at: u64,
    /// Behind a message that breaks off: it may go with that.
    doubtful: bool,
}

/// How much is on its way at most.
const BYTES: usize = 32 << 10;
/// More than is put beside a message.
const BESIDE: usize = 256;

/// What nobody asked for.
const STRAYS: [(&[u8], Foretold); 9] = [
    (b"{\"return\": {}, \"id\": \"stranger\"}\r\n", Foretold::Foreign(0)),
    (b"{\"return\": {\"a\": 1}}\r\n", Foretold::Foreign(0)),
    (b"{\"id\": 4294967296, \"error\": {\"class\": \"GenericError\", \"desc\": \"\"}}\r\n", Foretold::Foreign(0)),
    (b"{\"return\": -1, \"id\": {\"id\": [1, 2.5, null]}}\r\n", Foretold::Foreign(0)),
    (b"{\"error\": {\"class\": \"GenericError\", \"desc\": \"JSON parse error\"}}\r\n", Foretold::Diagnostic),
    (b"{\r\n    \"what\": [\r\n        true\r\n    ]\r\n}\r\n", Foretold::Unknown),
    (b"{\"id\": 1}\n", Foretold::Unknown),
    (b"{\"QMP\": {\"version\": {}, \"capabilities\": [\"oob\", \"new\", 5]}}\r\n", Foretold::Greeting),
    (b"{}", Foretold::Unknown),
];

/// What is no message, each drawing one report.
const JUNK: [&[u8]; 8] = [
    b"@@@\n",
    b"]\r\n",
    b"nan\n",
    b"\"x\r\n",
    b"\0\0\0\n",
    b"}{\n",
    b"\xFF\n",
    b"{\"return\": \"\xC0\"}, \"id\": 256}\n",
];

impl Line {
    pub(super) fn new() -> Self {
        Self { bytes: VecDeque::with_capacity(BYTES), foretold: VecDeque::with_capacity(BYTES / 2), length: 0, calm: 0 }
    }

    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.foretold.clear();
        (self.length, self.calm) = (0, 0);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.bytes.is_empty() && self.foretold.iter().all(|entry| entry.doubtful)
    }

    /// Takes whole messages of `pending`, as far as there is room, and gives how many bytes these are. If `good`, nothing happens to
    /// them.
    pub(super) fn put(&mut self, pending: &[u8], good: bool, random: &mut Random) -> usize {
        let mut taken = 0;
        for message in pending.split_inclusive(|byte| *byte == b'\n') {
            if self.bytes.len() + 2 * message.len() + BESIDE > BYTES {
                break;
            }
            taken += message.len();
            let what = foretell(message);
            let good = good || matches!(what, Foretold::Greeting | Foretold::Ready);
            if good || self.calm > 0 {
                self.calm = self.calm.saturating_sub(1);
                // The first one behind damage may go with it.
                self.pass(message, what, self.calm == 1);
            } else {
                self.disturb(message, what, random);
            }
        }
        taken
    }

    fn pass(&mut self, bytes: &[u8], what: Foretold, doubtful: bool) {
        self.pass_piece(bytes);
        self.foretold.push_back(Entry { what, at: self.length - bytes.len() as u64, doubtful });
    }

    fn pass_piece(&mut self, bytes: &[u8]) {
        self.bytes.extend(bytes);
        self.length += bytes.len() as u64;
    }

    fn disturb(&mut self, message: &[u8], what: Foretold, random: &mut Random) {
        match random.below(24) {
            0 => {
                let (stray, of) = STRAYS[random.below(STRAYS.len())];
                self.pass(stray, of, false);
            }
            1 => self.pass(JUNK[random.below(JUNK.len())], Foretold::Junk, false),
            2 => {
                // The end of the line is still there.
                let at = 1 + random.below(message.len() - 3);
                let id = if let Foretold::Reply(id, _) = what { Some(id) } else { None };
                self.pass(&message[..at], Foretold::Broken(id), false);
                self.pass_piece(b"\r\n");
                self.calm = 2;
                return;
            }
            3 => {
                // Answered twice. A list may be taken for the elements that are waited for, which the first one's would confirm.
                if let Foretold::Reply(_, bytes) = what
                    && !message.starts_with(b"{\"return\":[")
                {
                    self.pass(message, what, false);
                    return self.pass(message, Foretold::Foreign(bytes), false);
                }
            }
            _ => {}
        }
        self.pass(message, what, false);
    }

    /// The client has reported something that came on the line and began `at` this place: what that must be. Each reply that is passed
    /// over, as it went with the damage in front of it, is told to `gone`.
    pub(super) fn next(&mut self, at: u64, mut gone: impl FnMut(u32)) -> Foretold {
        while let Some(entry) = self.foretold.pop_front() {
            if entry.at == at {
                return entry.what;
            }
            assert!(entry.doubtful && entry.at < at, "{entry:?} has not come");
            if let Foretold::Reply(id, _) = entry.what {
                gone(id);
            }
        }
        panic!("nothing was on its way");
    }
}

/// What must come of a message of the server's, whole.
fn foretell(message: &[u8]) -> Foretold {
    let bytes = message.len() as u64 - 2;
    if message.starts_with(b"{\"QMP\"") {
        return Foretold::Greeting;
    }
    let number = |name: &[u8]| {
        let at = message.windows(name.len()).rposition(|window| window == name)? + name.len();
        let digits = message[at..].iter().take_while(|byte| byte.is_ascii_digit());
        digits.fold(None, |number: Option<u32>, digit| Some(number.unwrap_or(0) * 10 + u32::from(digit - b'0')))
    };
    if message.starts_with(b"{\"event\"") || message.starts_with(b"{\"timestamp\"") {
        return Foretold::Event(number(b"\"number\":").expect("each event has one"));
    }
    match number(b"\"id\":") {
        // The negotiation's slot.
        Some(id) if id & 0xFF == 0xFF => Foretold::Ready,
        Some(id) => Foretold::Reply(id, bytes),
        None if message.windows(5).any(|window| window == b"\"id\":") => Foretold::Foreign(bytes),
        None => Foretold::Diagnostic,
    }
}
