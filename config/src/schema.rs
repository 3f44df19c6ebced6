//! The table of settings: one line is a field, a key, a variable, a kind and a default.

use std::path::Path;

use crate::fault::{Fault, Place};
use crate::kind::{Kind, Wrong};
use crate::written::{Written, WrittenSettings};
use larder_model::nearest::nearest;

/// One setting.
pub struct Key {
    /// The dotted path, e.g. `server.listen`.
    pub path: &'static str,
    /// The entries of its table form, if it has one.
    pub parts: &'static [&'static str],
    /// The default as text.
    pub default: &'static str,
    /// What it means, line by line.
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "only example.toml is rendered from it, by a test")
    )]
    pub doc: &'static [&'static str],
}

/// One section: a table of the file.
pub struct Outline {
    /// The dotted path; empty at the top.
    pub path: &'static str,
    /// What it is about, line by line.
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "only example.toml is rendered from it, by a test")
    )]
    pub doc: &'static [&'static str],
    /// Its settings in reading order.
    pub keys: &'static [Key],
}

/// A struct that is read from one section and those below it.
pub trait Section: Contradictions + Sized {
    /// Adds the sections in reading order.
    fn outline(out: &mut Vec<Outline>);
    /// Reads every setting, noting what is wrong; `None` if anything was.
    fn build(reader: &mut Reader<'_>) -> Option<Self>;
    /// Adds each key and its value as TOML, secrets masked, in reading order.
    fn rows(&self, out: &mut Vec<(&'static str, String)>);
}

/// Which of a section's values exclude each other.
pub trait Contradictions {
    /// Reports what excludes each other, given also what was written and where.
    fn contradictions(&self, given: &WrittenSettings) -> Vec<Fault>;
}

/// Reads settings and gathers what is wrong.
pub struct Reader<'a> {
    /// What was written.
    pub given: &'a WrittenSettings,
    /// The data directory.
    pub data: &'a Path,
    /// What is wrong so far.
    pub faults: Vec<Fault>,
}

impl Reader<'_> {
    /// Reads one setting, or its default if nothing was written.
    pub fn read<K: Kind>(&mut self, key: &str, default: &str) -> Option<K::Value> {
        let unwritten = Written::loose(Place::Default, default);
        let written = self.given.get(key).unwrap_or(&unwritten);
        match K::read(written, self.data) {
            Ok(value) => Some(value),
            Err(Wrong(faults)) => {
                for Fault { place, text } in faults {
                    // A variable's name says which key; a line and a column do not.
                    let named = matches!(place, Place::Variable(_) | Place::Flag(_));
                    let text = if named {
                        text
                    } else {
                        format!("{key}: {text}")
                    };
                    self.faults.push(Fault { place, text });
                }
                None
            }
        }
    }
}

/// All settings by path.
pub struct Schema {
    /// The sections in reading order.
    pub sections: Vec<Outline>,
}

/// What a path names.
pub enum Named<'a> {
    /// A setting.
    Key(&'a Key),
    /// One entry of a setting's table form.
    Part(&'a Key, &'static str),
    /// A section.
    Section,
    /// Nothing.
    Nothing,
}

impl Schema {
    /// The settings of a struct.
    pub fn of<S: Section>() -> Self {
        let mut sections = Vec::new();
        S::outline(&mut sections);
        Self { sections }
    }

    /// What a path names.
    pub fn find(&self, path: &str) -> Named<'_> {
        if self.sections.iter().any(|section| section.path == path) {
            return Named::Section;
        }
        for key in self.keys() {
            if key.path == path {
                return Named::Key(key);
            }
            let below = path
                .strip_prefix(key.path)
                .and_then(|rest| rest.strip_prefix('.'));
            if let Some(part) = key.parts.iter().find(|part| below == Some(part)) {
                return Named::Part(key, part);
            }
        }
        Named::Nothing
    }

    /// Every setting.
    pub fn keys(&self) -> impl Iterator<Item = &Key> {
        self.sections.iter().flat_map(|section| section.keys)
    }

    /// The path of every setting, and of the entries of table forms.
    pub fn paths(&self) -> Vec<String> {
        let below = |key: &Key| {
            key.parts
                .iter()
                .map(|part| format!("{}.{part}", key.path))
                .collect::<Vec<_>>()
        };
        self.keys()
            .flat_map(|key| std::iter::once(key.path.to_owned()).chain(below(key)))
            .collect()
    }

    /// What to write instead of an unknown key: the nearest, else what its section has.
    pub fn advice_for_key(&self, path: &str) -> String {
        let paths = self.paths();
        if let Some(near) = nearest(path, paths.iter().map(String::as_str)) {
            return format!("did you mean \"{near}\"?");
        }
        let (above, _) = path.rsplit_once('.').unwrap_or_default();
        let depth = above.len() + usize::from(!above.is_empty());
        let siblings = paths
            .iter()
            .filter(|path| path.rsplit_once('.').unwrap_or_default().0 == above);
        let names: Vec<&str> = siblings.map(|path| &path[depth..]).collect();
        match above {
            "" => format!("only {} stands above the first section", names.join(", ")),
            _ => format!("[{above}] has {}", names.join(", ")),
        }
    }

    /// What to write instead of an unknown section: the nearest, else all of them.
    pub fn advice_for_section(&self, path: &str) -> String {
        let names: Vec<&str> = self
            .sections
            .iter()
            .map(|section| section.path)
            .filter(|path| !path.is_empty())
            .collect();
        match nearest(path, names.iter().copied()) {
            Some(near) => format!("did you mean \"{near}\"?"),
            None => format!("the sections are {}", names.join(", ")),
        }
    }
}

/// Declares a section: for each setting its meaning, field, type, kind (where the type alone does
/// not say it) and default as text; then the sections below.
macro_rules! settings {
    ($(#[doc = $about:literal])* pub struct $name:ident at $at:literal, keys $prefix:literal {
        $($(#[doc = $doc:literal])* $field:ident: $type:ty $(as $kind:ty)? = $default:literal,)*
    } $(with { $($(#[doc = $within:literal])* $part:ident: $section:ty,)+ })?) => {
        $(#[doc = $about])*
        #[derive(Clone, Debug)]
        pub struct $name {
            $($(#[doc = $doc])* #[doc = concat!("\n\nDefault `", stringify!($default), "`.")] pub $field: $type,)*
            $($($(#[doc = $within])* pub $part: $section,)+)?
        }

        impl $crate::schema::Section for $name {
            fn outline(out: &mut Vec<$crate::schema::Outline>) {
                out.push($crate::schema::Outline {
                    path: $at,
                    doc: &[$($about),*],
                    keys: &[$($crate::schema::Key {
                        path: concat!($prefix, stringify!($field)),
                        parts: <$crate::schema::kind!($type $(, $kind)?) as $crate::kind::Kind>::PARTS,
                        default: $default,
                        doc: &[$($doc),*],
                    },)*],
                });
                $($(<$section>::outline(out);)+)?
            }

            fn build(reader: &mut $crate::schema::Reader<'_>) -> Option<Self> {
                // Everything is read before anything gives up, so that every mistake is found.
                $(let $field = reader.read::<$crate::schema::kind!($type $(, $kind)?)>(
                    concat!($prefix, stringify!($field)), $default,
                );)*
                $($(let $part = <$section>::build(reader);)+)?
                let built = Self { $($field: $field?,)* $($($part: $part?,)+)? };
                reader.faults.extend($crate::schema::Contradictions::contradictions(&built, reader.given));
                Some(built)
            }

            fn rows(&self, out: &mut Vec<(&'static str, String)>) {
                $(out.push((
                    concat!($prefix, stringify!($field)),
                    <$crate::schema::kind!($type $(, $kind)?) as $crate::kind::Kind>::show(&self.$field),
                ));)*
                $($(self.$part.rows(out);)+)?
            }
        }
    };
}

/// The kind of a setting: its type, unless one is named.
macro_rules! kind {
    ($type:ty) => {
        $type
    };
    ($type:ty, $kind:ty) => {
        $kind
    };
}

pub(crate) use {kind, settings};
