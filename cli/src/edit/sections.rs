//! Files of lines: with a key and a value each (`.npmrc`, `.yarnrc`, `.yarnrc.yml`), or in
//! sections besides (`pip.conf`, `.pypirc`, `*.repo`).

use crate::edit::marks::{Block, Marks};

/// How lines are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    /// `key=value`.
    Npmrc,
    /// `key "value"`.
    Yarnrc,
    /// `key: value`, at the left margin.
    Yaml,
    /// `key = value` in sections; lines that begin with a space go on.
    Ini,
}

/// A line that sets something, and how many lines it takes.
struct Setting<'a> {
    section: &'a str,
    key: String,
    value: String,
    from: usize,
    lines: usize,
}

/// All that is set in a text, and where its sections begin.
struct Read<'a> {
    settings: Vec<Setting<'a>>,
    headers: Vec<(&'a str, usize)>,
}

impl Style {
    fn read<'a>(self, lines: &[&'a str]) -> Read<'a> {
        let (mut settings, mut headers): (Vec<Setting<'a>>, Vec<_>) = (Vec::new(), Vec::new());
        let mut section = "";
        for (number, line) in lines.iter().enumerate() {
            let bare = line.trim();
            if bare.is_empty() || bare.starts_with('#') || bare.starts_with(';') {
                continue;
            }
            let goes_on =
                line.starts_with([' ', '\t']) || (self == Self::Yaml && bare.starts_with("- "));
            let sectioned = matches!(self, Self::Ini | Self::Npmrc);
            if goes_on && matches!(self, Self::Ini | Self::Yaml) {
                if let Some(last) = settings.last_mut() {
                    last.lines = number + 1 - last.from;
                    last.value = format!("{}\n{bare}", last.value);
                }
            } else if let Some(name) = bare.strip_prefix('[').filter(|_| sectioned) {
                section = name.split(']').next().unwrap_or(name);
                headers.push((section, number));
            } else if let Some((key, value)) = self.split(bare) {
                settings.push(Setting {
                    section,
                    key,
                    value,
                    from: number,
                    lines: 1,
                });
            }
        }
        Read { settings, headers }
    }

    /// A line's key, in one spelling, and its value.
    fn split(self, line: &str) -> Option<(String, String)> {
        let at = match self {
            Self::Npmrc => line.find('='),
            Self::Yarnrc => line.find([' ', '\t']),
            Self::Yaml => line.find(':'),
            Self::Ini => line.find(['=', ':']),
        }?;
        let key = line[..at].trim().trim_matches('"');
        let value = line[at + 1..].trim();
        let value = if self == Self::Yarnrc || self == Self::Yaml {
            value.trim_matches('"')
        } else {
            value
        };
        let key = match self {
            Self::Ini => key.to_lowercase().replace('_', "-"),
            _ => key.to_owned(),
        };
        Some((key, value.to_owned()))
    }
}

/// A list that others' values stay in: the names of `.pypirc`.
const LIST: (&str, &str) = ("distutils", "index-servers");

/// Whether a text sets all that is wanted.
pub(crate) fn satisfied(style: Style, text: &str, wanted: &[String]) -> bool {
    let lines: Vec<&str> = text.lines().collect();
    let there = style.read(&lines);
    let wanted: Vec<&str> = wanted.iter().map(|line| &**line).collect();
    style.read(&wanted).settings.iter().all(|wanted| {
        let same = |one: &&Setting<'_>| one.section == wanted.section && one.key == wanted.key;
        let mut found = there.settings.iter().filter(same);
        let is_list = (wanted.section, &*wanted.key) == LIST;
        let holds = |one: &Setting<'_>| {
            one.value == wanted.value
                || is_list
                    && one
                        .value
                        .split_whitespace()
                        .any(|name| name == wanted.value)
        };
        let first = found.next();
        first.is_some_and(holds) && found.next().is_none()
    })
}

/// The text with the wanted lines; what sets the same is made a comment. Fails with a sentence
/// where that is not safe.
pub(crate) fn put(
    style: Style,
    text: &str,
    wanted: &[String],
    marks: &Marks,
) -> Result<String, String> {
    let lines: Vec<&str> = text.lines().collect();
    let there = style.read(&lines);
    let wanted_lines: Vec<&str> = wanted.iter().map(|line| &**line).collect();
    let asked = style.read(&wanted_lines);
    let mut out = Vec::new();
    let mut blocks: Vec<Block> = Vec::new();
    let mut sections: Vec<&str> = asked.settings.iter().map(|one| one.section).collect();
    sections.dedup();
    for section in sections {
        let ours: Vec<&Setting<'_>> = of(&asked, section).collect();
        let mut block = Vec::new();
        for setting in &ours {
            let mut kept = Vec::new();
            let same = |one: &&Setting<'_>| one.key == setting.key;
            for one in of(&there, section).filter(same) {
                if (section, &*one.key) == LIST {
                    kept.extend(one.value.split_whitespace().map(str::to_owned));
                } else if style == Style::Yaml && one.lines > 1 {
                    return Err(format!("{} has a list of its own", one.key));
                }
                out.extend(one.from..one.from + one.lines);
            }
            block.extend(lines_of(setting, &wanted_lines, &kept));
        }
        let mut headers = there.headers.iter().filter(|(name, _)| *name == section);
        let header = headers.next();
        if headers.next().is_some() {
            return Err(format!("it has the section [{section}] twice"));
        }
        let at = match (header, section, style) {
            (Some((_, number)), ..) => number + 1,
            (None, "", Style::Yaml) => lines.len(),
            (None, "", _) => 0,
            (None, ..) => {
                block.insert(0, format!("[{section}]"));
                lines.len()
            }
        };
        blocks.push(Block { at, lines: block });
    }
    Ok(marks.put(text, &blocks, &out))
}

fn of<'a, 'b>(
    read: &'b Read<'a>,
    section: &'b str,
) -> impl Iterator<Item = &'b Setting<'a>> + use<'a, 'b> {
    read.settings
        .iter()
        .filter(move |one| one.section == section)
}

/// The lines of a setting that is wanted; of a list with the values that it had.
fn lines_of(setting: &Setting<'_>, wanted: &[&str], kept: &[String]) -> Vec<String> {
    let others: Vec<&String> = kept.iter().filter(|name| **name != setting.value).collect();
    if others.is_empty() {
        let lines = &wanted[setting.from..setting.from + setting.lines];
        return lines.iter().map(|line| (*line).to_owned()).collect();
    }
    let own = [
        format!("{} =", setting.key),
        format!("    {}", setting.value),
    ];
    let others = others.iter().map(|name| format!("    {name}"));
    own.into_iter().chain(others).collect()
}

#[cfg(test)]
mod tests;
