//! Choices: unions, alternates and enums.

use alloc::collections::BTreeSet;
use core::fmt::Write as _;

use super::chapter::{Context, indented};
use super::docs::Doc;
use super::model::{Alternate, Definition, Enum, Type, Union, UnionKind};
use super::names::{camel, field};
use super::words;

impl Context<'_> {
    pub(super) fn union(&self, it: &Union) -> String {
        let name = &it.head.name;
        let doc = self.with_bases(&self.docs.of(name), it.base.as_deref());
        let comment = words::definition(&doc, &it.head, &[]);
        let mut members = it.base.as_deref().map_or_else(Vec::new, |base| self.shapes.members_of(base));
        members.extend(it.members.iter());
        members.retain(|member| member.name != it.discriminator);
        let branches = self.branches(it, &doc);
        if it.kind == UnionKind::Simple {
            assert!(members.is_empty(), "{name}: a simple union with a base");
            return format!(
                "simple_union! {{\n{}    pub enum {name}<'a> by \"{}\" {{\n{branches}    }}\n}}\n",
                indented(&comment),
                it.discriminator
            );
        }
        let absent = self.absent(it);
        if members.is_empty() {
            return format!(
                "union! {{\n{}    pub enum {name}<'a> by \"{}\" {{\n{branches}    }}\n{absent}}}\n",
                indented(&comment),
                it.discriminator
            );
        }
        let tag = field(&it.discriminator);
        let of_tag = doc.members.get(&it.discriminator).map_or_else(
            || "Which kind it is, and the members of that kind.".to_owned(),
            |text| format!("{text}\n\nWith the members that belong to it."),
        );
        let fields = self.fields(name, &members, &doc, &it.head, &it.direction);
        let constructor = if self.made(&it.direction) {
            self.constructor(name, &members, Some((&tag, format!("{name}Branch<'a>"))), true, false)
        } else {
            String::new()
        };
        let of_branch = words::comment(&format!("The kinds of [`{name}`], with the members of each."));
        format!(
            "union! {{\n{}    pub struct {name}<'a> {{\n{fields}        ;\n{}        pub {tag}: {name}Branch<'a>,\n    }}\n\
             {}    pub enum {name}Branch<'a> by \"{}\" {{\n{branches}    }}\n{absent}}}\n\n{constructor}{}",
            indented(&comment),
            indented(&indented(&words::comment(&of_tag))),
            indented(&of_branch),
            it.discriminator,
            self.struct_form(it),
        )
    }

    pub(super) fn branches(&self, it: &Union, doc: &Doc) -> String {
        let mut text = String::new();
        for branch in &it.branches {
            let comment = words::branch(doc, branch, &it.head);
            let of = self.shapes.rust(&branch.of);
            let union = matches!(self.shapes.definition_of(&branch.of), Some(Definition::Union(_)))
                && it.kind == UnionKind::Flat;
            assert!(
                !union || it.base.is_none() && it.members.len() == 1,
                "{}: a union in a union with a base",
                it.head.name
            );
            let union = if union { " union" } else { "" };
            let variant = camel(&branch.tag);
            let _ =
                writeln!(text, "{}        {variant}({of}) = \"{}\"{union},", indented(&indented(&comment)), branch.tag);
        }
        // `Other` is the variant for tags unknown, and reads a tag of that name as well.
        for tag in it.empty.iter().filter(|tag| *tag != "other") {
            let comment = words::empty(doc, tag);
            let _ = writeln!(text, "{}        {} = \"{tag}\",", indented(&indented(&comment)), camel(tag));
        }
        text
    }

    /// What is read where the tag is absent.
    pub(super) fn absent(&self, it: &Union) -> String {
        if !it.tag_vary {
            return String::new();
        }
        match &it.struct_form {
            Some(form) => match &form.tag {
                Some(tag) => format!("    default {}\n", camel(tag)),
                None => format!(
                    "    absent\n    /// No tag: a release until {}.\n    Untagged({}Untagged)\n",
                    form.until, it.head.name
                ),
            },
            None => "    absent\n    /// No tag, as some release sends it.\n    Untagged\n".to_owned(),
        }
    }

    /// The struct of what a union had while it was none.
    pub(super) fn struct_form(&self, it: &Union) -> String {
        let Some(form) = it.struct_form.as_ref().filter(|form| form.tag.is_none() && it.tag_vary) else {
            return String::new();
        };
        let members = form.members.iter().collect::<Vec<_>>();
        assert!(!self.shapes.any_borrows(&members), "{}: an old form that borrows", it.head.name);
        let name = format!("{}Untagged", it.head.name);
        let comment = words::comment(&format!("What [`{}`] has without a tag, until {}.", it.head.name, form.until));
        let doc = Doc::default();
        let text = self.object(&name, &comment, &members, &doc, &it.head, &it.direction, false, false, false);
        format!("\n{text}")
    }

    pub(super) fn alternate(&self, it: &Alternate) -> String {
        let name = &it.head.name;
        let doc = self.docs.of(name);
        let comment = words::definition(&doc, &it.head, &[]);
        let mut text = String::new();
        for alternative in &it.alternatives {
            let of = self.shapes.member_type(name, alternative, &it.direction);
            let comment = words::member(&doc, alternative, &it.head);
            let kind = self.kind(&alternative.of);
            let variant =
                if kind == "Null" { "Null".to_owned() } else { format!("{}({of})", camel(&alternative.name)) };
            let _ = writeln!(text, "{}        {variant} = {kind},", indented(&indented(&comment)));
        }
        format!("alternate! {{\n{}    pub enum {name}<'a> {{\n{text}    }}\n}}\n", indented(&comment))
    }

    /// The JSON type on the wire.
    pub(super) fn kind(&self, of: &Type) -> &'static str {
        match &*of.name {
            _ if of.list => "Array",
            "str" => "String",
            "bool" => "Bool",
            "null" => "Null",
            _ if of.is_builtin() => "Number",
            name => match self.shapes.definition(name) {
                Definition::Enum(_) => "String",
                Definition::Struct(_) | Definition::Union(_) => "Object",
                Definition::Alternate(_) => panic!("{name}: an alternate within an alternate"),
            },
        }
    }

    pub(super) fn enumeration(&self, it: &Enum) -> String {
        let name = &it.head.name;
        let doc = self.docs.of(name);
        let facts = it.implicit.then(|| "the tags of a union, no type of the schema's own".to_owned());
        let comment = words::definition(&doc, &it.head, &facts.into_iter().collect::<Vec<_>>());
        let mut seen = BTreeSet::from(["Other".to_owned()]);
        let mut text = String::new();
        for value in &it.values {
            let variant = camel(&value.name);
            // An older spelling of a value, or `other`, is read as `Other` and goes out again as it is.
            if !seen.insert(variant.clone()) {
                continue;
            }
            let comment = words::value(&doc, value, &it.head);
            let _ = writeln!(text, "{}        {variant} = \"{}\",", indented(&indented(&comment)), value.name);
        }
        let form = it
            .bool
            .as_ref()
            .map_or_else(String::new, |form| format!("    bool {} {}\n", camel(&form.yes), camel(&form.no)));
        format!("enumeration! {{\n{}    pub enum {name}<'a> {{\n{text}    }}\n{form}}}\n", indented(&comment))
    }
}
