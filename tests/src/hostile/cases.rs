//! What hostile peers do, a case an entry.

use super::{Case, Count, Often, To};
use Count::{Each, Few, In};

/// The session is ready, and the command still in flight.
const UNMOVED: &str = "Ready, the command in flight";
/// The same, and what comes is part of a message that has not ended.
const OPEN: &str = "Ready, the command in flight, in a message";
/// The command has ended.
const ENDED: &str = "Ready, the command ended";
/// A server takes the next command.
const ALIVE: &str = "takes commands";
/// What comes is part of a command that has not ended.
const LISTENING: &str = "in a message";

/// To whom: what, in words, then what comes first, what is repeated and how often, and what comes last; where the session stands
/// then, and what was reported.
macro_rules! cases {
    ($(
        $to:ident: $name:literal, $head:literal $often:ident $body:literal $tail:literal
            => $then:expr $(; $($word:literal $count:expr),+)?;
    )+) => {
        /// All of them.
        pub const CASES: &[Case] = &[$(Case {
            name: $name,
            to: To::$to,
            head: $head,
            body: $body,
            tail: $tail,
            often: Often::$often,
            reported: &[$($(($word, $count)),+)?],
            then: $then,
        }),+];
    };
}

cases! {
    Client: "one line, the reply to the command",
        b"{\"return\": \"" Line b"x" b"\", \"id\": 256}\r\n" => ENDED; "oversize" In(1);
    Client: "one line that is no message",
        b"" Line b"x" b"\r\n" => UNMOVED; "malformed" In(1);
    Client: "a string without an end",
        b"{\"a\": \"" Line b"x" b"" => UNMOVED;
    Client: "escapes without an end",
        b"{\"a\": \"" Line b"\\ud83d\\ude00" b"" => UNMOVED;
    Client: "a number without an end",
        b"{\"return\": " Line b"9" b"" => UNMOVED;
    Client: "an id without an end",
        b"{\"return\": {}, \"id\": " Line b"9" b"}\r\n" => UNMOVED; "oversize" In(1);
    Client: "white space",
        b"" Line b" \r\n\t" b"" => UNMOVED;
    Client: "NUL bytes",
        b"" Line b"\0" b"\r\n" => UNMOVED; "malformed" In(1);
    Client: "opening brackets",
        b"" Many b"[" b"\r\n" => UNMOVED; "malformed" In(1);
    Client: "brackets in a reply",
        b"{\"return\": " Many b"[" b"" => OPEN;
    Client: "objects in objects",
        b"" Many b"{\"a\":" b"" => OPEN;
    Client: "closing brackets",
        b"" Many b"}" b"\r\n" => UNMOVED; "malformed" In(1);
    Client: "bytes 0xFF",
        b"" Many b"\xFF" b"\r\n" => UNMOVED; "malformed" Each(1, 0);
    Client: "NUL in a string",
        b"" Many b"{\"a\": \"\0\"}\r\n" b"" => UNMOVED; "malformed" Each(1, 0);
    Client: "lone surrogates",
        b"" Many b"{\"return\": \"\\ud800\", \"id\": 256}\r\n" b"" => UNMOVED; "malformed" Each(1, 0);
    Client: "overlong UTF-8",
        b"" Many b"{\"return\": \"\xC0\xAF\", \"id\": 256}\r\n" b"" => UNMOVED; "malformed" Each(1, 0);
    Client: "strings that are not ended",
        b"" Many b"{\"return\": \"\r\n" b"" => UNMOVED; "malformed" Each(1, 0);
    Client: "replies to commands never sent",
        b"" Many b"{\"return\": {}, \"id\": 4242}\r\n" b"" => UNMOVED; "foreign" Each(1, 0);
    Client: "the reply, again and again",
        b"" Many b"{\"return\": {}, \"id\": 256}\r\n" b"" => ENDED; "reply" In(1), "foreign" Each(1, -1);
    Client: "ids of every JSON type",
        b"" Thousand b"{\"return\": 1}\n{\"return\": 1, \"id\": null}\n{\"return\": 1, \"id\": true}\n\
            {\"return\": 1, \"id\": \"256\"}\n{\"return\": 1, \"id\": -256}\n{\"return\": 1, \"id\": 256.5}\n\
            {\"return\": 1, \"id\": 1e999}\n{\"return\": 1, \"id\": inf}\n{\"return\": 1, \"id\": [256]}\n\
            {\"return\": 1, \"id\": {\"id\": 256}}\n" b"" => UNMOVED; "foreign" Each(10, 0);
    Client: "an id again and again in one message",
        b"{" Many b"\"id\": 256, " b"\"return\": 1}\r\n" => UNMOVED; "malformed" In(1);
    Client: "greetings",
        b"" Many b"{\"QMP\": {\"version\": {}, \"capabilities\": [\"oob\"]}}\r\n" b"" => UNMOVED; "greeting" Each(1, 0);
    Client: "errors without an id",
        b"" Many b"{\"error\": {\"class\": \"GenericError\", \"desc\": \"no\"}}\r\n" b"" => UNMOVED; "diagnostic" Each(1, 0);
    Client: "replies that are events, too",
        b"" Many b"{\"return\": {}, \"event\": \"E\", \"id\": 256}\r\n" b"" => UNMOVED; "unknown" Each(1, 0);
    Client: "empty objects",
        b"" Many b"{}" b"" => UNMOVED; "unknown" Each(1, 0);
    Client: "events",
        b"" Many b"{\"timestamp\": {\"seconds\": 1, \"microseconds\": 2}, \"event\": \"STOP\"}\r\n" b""
            => UNMOVED; "event" Each(1, 0);
    Client: "an event with a name without an end",
        b"{\"event\": \"" Line b"E" b"\"}\r\n" => UNMOVED; "oversize" In(1);
    Elements: "elements",
        b"{\"return\": [0" Many b",1" b"], \"id\": 256}\r\n" => ENDED; "element" Each(1, 1), "elements' end" In(1);
    Elements: "one element",
        b"{\"return\": [\"" Line b"x" b"\"], \"id\": 256}\r\n" => ENDED; "element" In(1), "elements' end" In(1);
    Elements: "brackets in an element",
        b"{\"return\": [" Many b"[" b"" => OPEN;
    Greeted: "capabilities by the thousand",
        b"{\"QMP\": {\"version\": {}, \"capabilities\": [\"oob\"" Thousand b", \"new\"" b"]}}\r\n"
            => "Negotiating"; "oversize" In(1);
    Greeted: "no greeting, but events",
        b"" Many b"{\"event\": \"E\"}\r\n" b"" => "Greeting"; "event" Each(1, 0);
    Greeted: "one line, the greeting",
        b"{\"QMP\": {\"version\": {\"package\": \"" Line b"x" b"\"}, \"capabilities\": []}}\r\n" => "Negotiating"; "oversize" In(1);
    Syncing: "one line, a reply",
        b"{\"return\": \"" Line b"x" b"\"}\n" => "Syncing"; "oversize" In(1);
    Syncing: "bytes 0xFF",
        b"" Many b"\xFF" b"" => "Syncing";
    Syncing: "synchronisations of others",
        b"" Many b"\xFF{\"return\": 4242}\n" b"" => "Syncing"; "foreign" Each(1, 0);
    Agent: "one line, the reply to the command",
        b"{\"return\": \"" Line b"x" b"\", \"id\": 256}\n" => ENDED; "oversize" In(1);
    Agent: "bytes 0xFF",
        b"" Many b"\xFF" b"" => UNMOVED; "sentinel" Each(1, 0);
    Agent: "replies to commands never sent",
        b"" Many b"{\"return\": {}, \"id\": 4242}\n" b"" => UNMOVED; "foreign" Each(1, 0);
    Agent: "brackets in a reply",
        b"{\"return\": " Many b"[" b"" => OPEN;
    Server: "one line, a command",
        b"{\"execute\": \"" Line b"x" b"\"}\n" => ALIVE; "oversize" In(1), "answer" In(1);
    Server: "a name without an end",
        b"{\"execute\": \"" Line b"x" b"" => ALIVE;
    Server: "one line that is no command",
        b"" Line b"x" b"\n" => ALIVE; "malformed" In(1), "answer" In(1);
    Server: "NUL bytes",
        b"" Many b"\0" b"" => ALIVE; "malformed" Each(1, 0), "answer" Each(1, 0);
    Server: "bytes 0xFF",
        b"" Many b"\xFF" b"" => ALIVE; "malformed" Each(1, 0), "answer" Each(1, 0);
    Server: "opening brackets",
        b"" Many b"[" b"" => LISTENING;
    Server: "closing brackets",
        b"" Many b"}" b"" => ALIVE; "malformed" Each(1, 0), "answer" Each(1, 0);
    Server: "objects in objects",
        b"" Many b"{\"a\":" b"" => LISTENING;
    Server: "a member again and again",
        b"{" Many b"\"a\":1," b"\"a\":1}\n" => ALIVE; "oversize" In(1), "answer" In(1);
    Server: "commands",
        b"" Many b"{\"execute\":\"x\",\"id\":[1]}\n" b"" => ALIVE; "command" Each(1, 0), "answer" Each(1, 0);
    Server: "commands that are none",
        b"" Many b"{}" b"" => ALIVE; "refused" Each(1, 0), "answer" Each(1, 0);
    Unread: "bytes 0xFF, and nothing is read",
        b"" Many b"\xFF" b"" => "waits until its answers are read"; "malformed" Few;
}
