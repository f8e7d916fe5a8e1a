//! `defmt::Format` of what the vocabulary is made of: its names, since its parts refer to each other in circles.

use defmt::{Format, Formatter, write};

use super::{Alternate, Branch, Chapter, Command, Enum, EnumValue, Event, Member, Struct, Type, Union, Vocabulary};

macro_rules! by_name {
    ($($named:ident.$name:ident)*) => {$(
        impl Format for $named {
            fn format(&self, f: Formatter<'_>) {
                write!(f, "{=str}({=str})", stringify!($named), self.$name);
            }
        }
    )*};
}

by_name! {
    Alternate.name Branch.tag Chapter.name Command.name Enum.name EnumValue.name Event.name Member.name Struct.name Union.name
}

impl Format for Type {
    fn format(&self, f: Formatter<'_>) {
        match self {
            Self::List(element) => write!(f, "[{}]", *element),
            _ => write!(f, "{=str}", self.name()),
        }
    }
}

impl Format for Vocabulary {
    fn format(&self, f: Formatter<'_>) {
        write!(f, "Vocabulary({=usize} chapters)", self.chapters.len());
    }
}
