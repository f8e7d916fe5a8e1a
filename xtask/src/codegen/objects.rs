//! Objects: commands, events and structs.

use core::fmt::Write as _;

use super::chapter::{Context, indented};
use super::docs::Doc;
use super::model::{Chapter, Command, Definition, Direction, Event, Head, Member, Struct};
use super::names::{camel, fields};
use super::words;

impl Context<'_> {
    pub(super) fn commands(&self, chapter: &Chapter) -> String {
        chapter.commands.iter().map(|it| self.command(it) + "\n").collect()
    }

    pub(super) fn command(&self, it: &Command) -> String {
        let head = &it.head;
        let doc = self.docs.of(&head.name);
        let name = camel(&head.name);
        let mut facts = Vec::new();
        facts.extend(it.oob.then(|| "may be executed out of band".to_owned()));
        facts.extend(it.preconfig.then(|| "may be executed before the machine is built".to_owned()));
        facts.extend(it.no_reply.then(|| "answers nothing when it succeeds".to_owned()));
        let comment = words::definition(&doc, head, &facts);
        let members = it.arguments.iter().collect::<Vec<_>>();
        let (text, borrows) = if let Some(union) = &it.union {
            let text = format!(
                "{comment}#[derive(Copy, PartialEq)]\npub struct {name}<'a>(\n/// The arguments.\npub {union}<'a>);\n\
                 newtype! {{ {name} }}\n"
            );
            (text, true)
        } else {
            let borrows = it.open || self.shapes.any_borrows(&members);
            let null = members.iter().all(|member| member.may_be_absent()) && !it.open;
            let open = it.open;
            (self.object(&name, &comment, &members, &doc, head, &[Direction::In], borrows, null, open), borrows)
        };
        let constructor =
            if it.union.is_some() { String::new() } else { self.constructor(&name, &members, None, borrows, it.open) };
        let lifetime = if borrows { "<'_>" } else { "" };
        let returns = it.returns.as_ref().map_or_else(|| "Nothing".to_owned(), |of| self.shapes.rust(of));
        let oob = if it.oob { "const OOB: bool = true;\n" } else { "" };
        let no_reply = if it.no_reply { "const NO_REPLY: bool = true;\n" } else { "" };
        format!(
            "{text}\n{constructor}impl Command for {name}{lifetime} {{\nconst NAME: &'static str = \"{}\";\n{oob}{no_reply}type Return<'a> = {returns};\n}}\n",
            head.name
        )
    }

    /// The form of a command before its arguments were a union: a plain list of members.
    pub(super) fn older(&self, it: &Command) -> Option<String> {
        let mut members: Vec<Member> = Vec::new();
        for (since, form) in it.forms.iter().filter(|(_, form)| form.contains(':')) {
            for member in form.split(", ") {
                let (name, of) = member.split_once(": ")?;
                let optional = name.ends_with('?');
                let name = name.trim_end_matches('?');
                if !members.iter().any(|it| it.name == name) {
                    let fact = serde_json::json!({"name": name, "type": of, "optional": optional, "since": since});
                    members.push(serde_json::from_value(fact).ok()?);
                }
            }
        }
        if members.is_empty() {
            return None;
        }
        let members = members.iter().collect::<Vec<_>>();
        let open = it.open_history.iter().any(|(_, open)| *open);
        let until = it.forms.last().map(|(since, _)| since.clone())?;
        let name = camel(&it.head.name);
        let comment = words::comment(&format!(
            "`{}` as releases before {until} take it.\n\nSee [`{name}`](super::commands::{name}) for what it does.",
            it.head.name
        ));
        let text =
            self.object(&name, &comment, &members, &Doc::default(), &it.head, &[Direction::In], true, false, open);
        Some(format!(
            "{text}\n{}impl Command for {name}<'_> {{\nconst NAME: &'static str = \"{}\";\ntype Return<'a> = Nothing;\n}}\n\n",
            self.constructor(&name, &members, None, true, open),
            it.head.name
        ))
    }

    pub(super) fn events(&self, chapter: &Chapter) -> String {
        chapter.events.iter().map(|it| self.event(it) + "\n").collect()
    }

    pub(super) fn event(&self, it: &Event) -> String {
        let head = &it.head;
        let doc = self.docs.of(&head.name);
        let name = camel(&head.name);
        let facts = it.rate_limited.then(|| "held back so that it comes once a second at most".to_owned());
        let comment = words::definition(&doc, head, &facts.into_iter().collect::<Vec<_>>());
        let members = it.data.iter().collect::<Vec<_>>();
        let borrows = self.shapes.any_borrows(&members);
        let null = members.iter().all(|member| member.may_be_absent());
        let text = self.object(&name, &comment, &members, &doc, head, &[Direction::Out], borrows, null, false);
        let lifetime = if borrows { "<'a>" } else { "" };
        format!(
            "{text}\nimpl<'a> Event<'a> for {name}{lifetime} {{\nconst NAME: &'static str = \"{}\";\n}}\n",
            head.name
        )
    }

    pub(super) fn record(&self, it: &Struct) -> String {
        let doc = self.with_bases(&self.docs.of(&it.head.name), it.base.as_deref());
        let comment = words::definition(&doc, &it.head, &[]);
        let members = self.shapes.members(it);
        let borrows = self.shapes.borrows(&it.head.name);
        let name = &it.head.name;
        let text = self.object(name, &comment, &members, &doc, &it.head, &it.direction, borrows, false, false);
        if !self.made(&it.direction) {
            return text;
        }
        format!("{text}\n{}", self.constructor(name, &members, None, borrows, false))
    }

    /// What is said about the members of the bases, too.
    pub(super) fn with_bases(&self, doc: &Doc, base: Option<&str>) -> Doc {
        let mut doc = doc.clone();
        let mut base = base.map(ToOwned::to_owned);
        while let Some(name) = base {
            for (member, text) in self.docs.of(&name).members {
                doc.members.entry(member).or_insert(text);
            }
            base = match self.shapes.definition(&name) {
                Definition::Struct(it) => it.base.clone(),
                _ => None,
            };
        }
        doc
    }

    /// A `record!`.
    #[allow(clippy::too_many_arguments, reason = "all that an object is")]
    pub(super) fn object(
        &self,
        name: &str,
        comment: &str,
        members: &[&Member],
        doc: &Doc,
        head: &Head,
        direction: &[Direction],
        borrows: bool,
        null: bool,
        open: bool,
    ) -> String {
        if null && members.is_empty() {
            return format!("bare! {{\n{}    pub struct {name};\n}}\n", indented(comment));
        }
        let lifetime = if borrows { "<'a>" } else { "" };
        let null = if null { " or null" } else { "" };
        let fields = self.fields(name, members, doc, head, direction);
        let open = if open { "open others\n" } else { "" };
        format!("record! {{\n{}    pub struct {name}{lifetime}{null} {{\n{fields}    }}\n{open}}}\n", indented(comment))
    }

    /// The fields of a `record!`, a line each behind its comment.
    pub(super) fn fields(
        &self,
        owner: &str,
        members: &[&Member],
        doc: &Doc,
        head: &Head,
        direction: &[Direction],
    ) -> String {
        let names = fields(&members.iter().map(|member| &*member.name).collect::<Vec<_>>());
        let mut text = String::new();
        for (member, field) in members.iter().zip(names) {
            let of = self.shapes.member_type(owner, member, direction);
            let (of, optional) = if member.may_be_absent() { (format!("Option<{of}>"), " optional") } else { (of, "") };
            let comment = words::member(doc, member, head);
            let _ = writeln!(
                text,
                "{}        pub {field}: {of} = \"{}\"{optional},",
                indented(&indented(&comment)),
                member.name
            );
        }
        text
    }

    /// `new`, with what must be there: of a union, the `tag`, its field and type, too.
    pub(super) fn constructor(
        &self,
        name: &str,
        members: &[&Member],
        tag: Option<(&str, String)>,
        borrows: bool,
        open: bool,
    ) -> String {
        if members.is_empty() && !open {
            return String::new();
        }
        let lifetime = if borrows { "<'a>" } else { "" };
        let names = fields(&members.iter().map(|member| &*member.name).collect::<Vec<_>>());
        let all = members.iter().zip(&names).collect::<Vec<_>>();
        let needed = all.iter().filter(|(member, _)| !member.may_be_absent()).collect::<Vec<_>>();
        let parameters = needed
            .iter()
            .map(|(member, field)| format!("{field}: {}", self.shapes.member_type(name, member, &[])))
            .chain(tag.as_ref().map(|(field, of)| format!("{field}: {of}")))
            .collect::<Vec<_>>();
        let values = all.iter().map(
            |(member, field)| {
                if member.may_be_absent() { format!("{field}: None") } else { (*field).clone() }
            },
        );
        let others = open.then(|| "others: crate::Pairs::NONE".to_owned());
        let values = values.chain(tag.map(|(field, _)| field.to_owned())).chain(others).collect::<Vec<_>>();
        let many = if parameters.len() > 7 {
            "#[allow(clippy::too_many_arguments, reason = \"each must be there\")]\n"
        } else {
            ""
        };
        let rest = if parameters.is_empty() || needed.len() == all.len() { "" } else { ", the rest absent" };
        let default = if parameters.is_empty() {
            format!(
                "impl Default for {name}{0} {{\nfn default() -> Self {{\nSelf::new()\n}}\n}}\n\n",
                if borrows { "<'_>" } else { "" }
            )
        } else {
            String::new()
        };
        let what = if parameters.is_empty() { "With nothing that may be absent" } else { "With what must be there" };
        format!(
            "{default}impl{lifetime} {name}{lifetime} {{\n/// {what}{rest}.\n{many}#[must_use]\n\
             pub const fn new({}) -> Self {{\nSelf {{ {} }}\n}}\n}}\n\n",
            parameters.join(", "),
            values.join(", ")
        )
    }
}
