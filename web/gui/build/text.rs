//! Reads the texts of the pages, `text/<screen>.toml`, and makes a function of each.
//!
//! A text has all languages, and in each the same placeholders, or nothing is built:
//!
//! ```toml
//! [title]
//! en = "Jobs"
//! zh = "任务"
//! [count]
//! en = ["{n} job", "{n} jobs"]
//! zh = "{n} 个任务"
//! ```

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

/// The languages, in the order of `Language` in `src/language.rs`.
const LANGUAGES: [&str; 2] = ["en", "zh"];
/// By this number one text or the other is chosen where there are two.
const NUMBER: &str = "n";

/// One text of one language: for one thing, and for several.
struct Text {
    one: String,
    many: String,
}

/// The source of all functions.
pub(crate) fn generate(folder: &Path) -> Result<String, String> {
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| error.to_string())?
        .into_iter()
        .map(|entry| entry.path())
        .collect();
    files.sort();
    let mut source = "impl Language {\n".to_owned();
    for file in files {
        let screen = file.file_stem().and_then(|name| name.to_str());
        let screen = screen.ok_or("a file without a name")?;
        let text = std::fs::read_to_string(&file).map_err(|error| error.to_string())?;
        let table: toml::Table = text.parse().map_err(|error| format!("{screen}: {error}"))?;
        for (key, entry) in &table {
            let function = function(&format!("{screen}_{key}"), entry);
            source += &function.map_err(|error| format!("{screen}.{key}: {error}"))?;
        }
    }
    source += "}\n";
    Ok(source)
}

fn function(name: &str, entry: &toml::Value) -> Result<String, String> {
    let entry = entry.as_table().ok_or("not a table of languages")?;
    let mut texts = Vec::new();
    for language in LANGUAGES {
        let text = entry.get(language);
        texts.push(read(text.ok_or_else(|| format!("lacks {language}"))?)?);
    }
    if entry.len() != LANGUAGES.len() {
        return Err("has another language".to_owned());
    }
    let wanted = placeholders(&texts[0].many)?;
    for text in &texts {
        let (one, many) = (placeholders(&text.one)?, placeholders(&text.many)?);
        if many != wanted || !one.is_subset(&wanted) {
            return Err("the languages have different placeholders".to_owned());
        }
    }
    let mut source = String::new();
    let english = texts[0].many.replace('\n', " ");
    writeln!(source, "// {english}").map_err(|error| error.to_string())?;
    if wanted.is_empty() {
        let arms = arms(&texts, |text| format!("{text:?}"));
        source +=
            &format!("pub const fn {name}(self) -> &'static str {{ match self {{ {arms} }} }}\n");
        return Ok(source);
    }
    let parameters = wanted.iter().map(|name| match name.as_str() {
        // Templates pass what they show by reference.
        NUMBER => ", n: impl std::borrow::Borrow<u64>".to_owned(),
        other => format!(", {other}: impl std::fmt::Display"),
    });
    let parameters: String = parameters.collect();
    let arms = arms(&texts, |text| format!("format!({text:?})"));
    let number = if wanted.contains(NUMBER) {
        "let n = *n.borrow();"
    } else {
        ""
    };
    source += &format!(
        "pub fn {name}(self{parameters}) -> String {{ {number} match self {{ {arms} }} }}\n"
    );
    Ok(source)
}

/// The arms of a match on the language.
fn arms(texts: &[Text], literal: impl Fn(&str) -> String) -> String {
    let names = ["English", "Chinese"];
    let arm = |(name, text): (&str, &Text)| {
        let (one, many) = (literal(&text.one), literal(&text.many));
        if one == many {
            format!("Self::{name} => {many},\n")
        } else {
            format!("Self::{name} => if n == 1 {{ {one} }} else {{ {many} }},\n")
        }
    };
    names.into_iter().zip(texts).map(arm).collect()
}

fn read(value: &toml::Value) -> Result<Text, String> {
    match value {
        toml::Value::String(text) => Ok(Text {
            one: text.clone(),
            many: text.clone(),
        }),
        toml::Value::Array(both) => match both.as_slice() {
            [toml::Value::String(one), toml::Value::String(many)] => Ok(Text {
                one: one.clone(),
                many: many.clone(),
            }),
            _ => Err("not a text for one thing and one for several".to_owned()),
        },
        _ => Err("not a text".to_owned()),
    }
}

/// The names in braces.
fn placeholders(text: &str) -> Result<BTreeSet<String>, String> {
    let mut names = BTreeSet::new();
    let mut rest = text;
    while let Some((_, after)) = rest.split_once('{') {
        let (name, after) = after.split_once('}').ok_or("a brace is not closed")?;
        names.insert(name.to_owned());
        rest = after;
    }
    Ok(names)
}
