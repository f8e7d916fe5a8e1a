//! What `query-qmp-schema` answered, by names.

use alloc::collections::BTreeMap;

use qmp_core::json::de;
use qmp_qapi::List;
use qmp_qapi::types::{SchemaInfo, SchemaInfoBranch, SchemaInfoEnum, SchemaInfoObject};

/// A schema. Names of types are QEMU's own: numbers, for the most part.
#[derive(Debug, Default)]
pub(crate) struct Live {
    pub(crate) commands: BTreeMap<String, Command>,
    pub(crate) events: BTreeMap<String, Event>,
    pub(crate) types: BTreeMap<String, Type>,
}

#[derive(Debug)]
pub(crate) struct Command {
    pub(crate) arguments: String,
    pub(crate) returns: String,
    pub(crate) oob: bool,
    pub(crate) features: Vec<String>,
}

#[derive(Debug)]
pub(crate) struct Event {
    pub(crate) data: String,
    pub(crate) features: Vec<String>,
}

#[derive(Debug)]
pub(crate) enum Type {
    /// Named as schemas name it: `str`, `int`.
    Builtin,
    Enum(Vec<Value>),
    /// An array of this.
    Array(String),
    Object(Object),
    /// One of these.
    Alternate(Vec<String>),
}

#[derive(Debug)]
pub(crate) struct Value {
    pub(crate) name: String,
    pub(crate) features: Vec<String>,
}

#[derive(Debug, Default)]
pub(crate) struct Object {
    pub(crate) members: Vec<Member>,
    pub(crate) tag: Option<String>,
    /// What each value of the tag adds.
    pub(crate) variants: Vec<(String, String)>,
    pub(crate) features: Vec<String>,
}

#[derive(Debug)]
pub(crate) struct Member {
    pub(crate) name: String,
    pub(crate) of: String,
    pub(crate) optional: bool,
    pub(crate) features: Vec<String>,
}

impl Live {
    pub(crate) fn read(schema: List<'_, SchemaInfo<'_>>) -> Result<Self, de::Error> {
        let mut live = Self::default();
        for info in schema {
            live.add(&info?)?;
        }
        Ok(live)
    }

    fn add(&mut self, info: &SchemaInfo<'_>) -> Result<(), de::Error> {
        let name = info.name.to_owned();
        let features = strings(info.features)?;
        let of = match info.meta_type {
            SchemaInfoBranch::Command(it) => {
                let oob = it.allow_oob.unwrap_or_default();
                let command = Command { arguments: it.arg_type.into(), returns: it.ret_type.into(), oob, features };
                self.commands.insert(name, command);
                return Ok(());
            }
            SchemaInfoBranch::Event(it) => {
                self.events.insert(name, Event { data: it.arg_type.into(), features });
                return Ok(());
            }
            SchemaInfoBranch::Builtin(_) => Type::Builtin,
            SchemaInfoBranch::Enum(it) => Type::Enum(values(&it)?),
            SchemaInfoBranch::Array(it) => Type::Array(it.element_type.into()),
            SchemaInfoBranch::Object(it) => Type::Object(object(&it, features)?),
            SchemaInfoBranch::Alternate(it) => {
                let types = it.members.iter().map(|member| member.map(|member| member.r#type.to_owned()));
                Type::Alternate(types.collect::<Result<_, _>>()?)
            }
            // What is to come: whoever names it will see that it is not there.
            _ => return Ok(()),
        };
        self.types.insert(name, of);
        Ok(())
    }

    /// The object of this name; an empty one where it is none.
    pub(crate) fn object(&self, name: &str) -> &Object {
        const NONE: &Object = &Object { members: Vec::new(), tag: None, variants: Vec::new(), features: Vec::new() };
        match self.types.get(name) {
            Some(Type::Object(object)) => object,
            _ => NONE,
        }
    }
}

impl Object {
    pub(crate) fn is_empty(&self) -> bool {
        self.members.is_empty() && self.variants.is_empty()
    }
}

fn values(it: &SchemaInfoEnum<'_>) -> Result<Vec<Value>, de::Error> {
    match it.members {
        Some(members) => members
            .iter()
            .map(|member| {
                let member = member?;
                Ok(Value { name: member.name.into(), features: strings(member.features)? })
            })
            .collect(),
        None => it.values.iter().map(|name| Ok(Value { name: name?.into(), features: Vec::new() })).collect(),
    }
}

fn object(it: &SchemaInfoObject<'_>, features: Vec<String>) -> Result<Object, de::Error> {
    let mut object = Object { tag: it.tag.map(str::to_owned), features, ..Object::default() };
    for member in it.members {
        let member = member?;
        object.members.push(Member {
            name: member.name.into(),
            of: member.r#type.into(),
            optional: member.default.is_some(),
            features: strings(member.features)?,
        });
    }
    for variant in it.variants.unwrap_or_default() {
        let variant = variant?;
        object.variants.push((variant.case.into(), variant.r#type.into()));
    }
    Ok(object)
}

fn strings(list: Option<List<'_, &str>>) -> Result<Vec<String>, de::Error> {
    list.unwrap_or_default().iter().map(|text| text.map(str::to_owned)).collect()
}
