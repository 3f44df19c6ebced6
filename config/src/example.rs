//! `example.toml` is made from the table of settings, so that it can neither lack one nor lie about
//! a default.

use std::path::{Path, PathBuf};

use crate::fault::Fault;
use crate::file;
use crate::schema::{Outline, Reader, Schema, Section};
use crate::sections::Config;
use crate::written::WrittenSettings;

const HEAD: &str = "\
# larder.toml: every setting, with its default. Without this file, everything is as it stands here.
#
# To change a setting, take the # in front of it away. An unknown key, a wrong unit or two settings that contradict each
# other stop the server before it starts; `larder check` says so without starting it.
#
# The environment overrides the file: the key in capitals after LARDER_, with two underscores for each dot, e.g.
# LARDER_SERVER__LISTEN, LARDER_STORAGE__SECRET_ACCESS_KEY, LARDER_DATA. Lists are separated by commas there.
# Flags (--data, --listen) override the environment. LARDER_CONFIG or --config name another file than ./larder.toml.
#
# Durations have a unit (ms, s, m, h, d), sizes too (B, KiB, MiB, GiB, TiB, or KB, MB, GB, TB): \"30s\", \"4MiB\".
# An empty text (\"\") means that the setting is not set.
#
# No setting, but of the environment alone: LARDER_ADMIN_PASSWORD, or the file that LARDER_ADMIN_PASSWORD_FILE names,
# has the password of the user admin that the first start makes. It counts at the first start only; without it, a
# random one is left in admin-password of the data folder.
";

/// Settings from a text alone.
fn parse(text: &str) -> (Option<Config>, Vec<Fault>) {
    let (mut given, mut faults) = (WrittenSettings::default(), Vec::new());
    file::read(
        "example.toml",
        text,
        &Schema::of::<Config>(),
        &mut given,
        &mut faults,
    );
    let mut reader = Reader {
        given: &given,
        data: Path::new("<data>"),
        faults,
    };
    (Config::build(&mut reader), reader.faults)
}

/// The lines of a comment. Backticks are for Markdown.
fn prose(doc: &[&str]) -> String {
    doc.iter()
        .flat_map(|line| ["#", line, "\n"])
        .collect::<String>()
        .replace('`', "")
}

fn example() -> String {
    let (config, faults) = parse("");
    assert_eq!(faults, [], "the defaults are right");
    let mut rows = Vec::new();
    config.expect("the defaults are right").rows(&mut rows);
    let mut rows = rows.into_iter();

    let mut text = HEAD.to_owned();
    for Outline { path, doc, keys } in Schema::of::<Config>().sections {
        if !path.is_empty() {
            text.extend(["\n\n", &prose(doc), "[", path, "]\n"]);
        }
        for key in keys {
            let (path, value) = rows.next().expect("a row for each key");
            assert_eq!(path, key.path, "rows stand in the order of the keys");
            let word = path.rsplit('.').next().expect("a word");
            text.extend(["\n", &prose(key.doc), "#", word, " = ", &value, "\n"]);
        }
    }
    text
}

fn file_of_example() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("example.toml")
}

/// With `LARDER_TEST_WRITE=1`, writes the file.
#[test]
fn example_shows_every_setting() {
    if std::env::var_os("LARDER_TEST_WRITE").is_some() {
        std::fs::write(file_of_example(), example()).expect("example.toml can be written");
    }
    let stands = std::fs::read_to_string(file_of_example()).expect("example.toml can be read");
    assert_eq!(
        stands,
        example(),
        "run the tests with LARDER_TEST_WRITE=1 to write example.toml again"
    );
    for key in Schema::of::<Config>().keys() {
        let word = key.path.rsplit('.').next().expect("a word");
        assert!(stands.contains(&format!("\n#{word} = ")), "{}", key.path);
        assert!(!key.doc.is_empty(), "{} has no meaning", key.path);
    }
}

/// The file as it is, and the file with the marks before its settings taken away.
#[test]
fn example_is_the_defaults() {
    let stands = example();
    // A setting has its mark at once before the word, prose has a space between.
    let bare: String = stands
        .lines()
        .map(|line| {
            line.strip_prefix('#')
                .filter(|rest| rest.starts_with(|c: char| c.is_ascii_lowercase()))
                .unwrap_or(line)
        })
        .fold(String::new(), |text, line| text + line + "\n");
    let written: toml::Table = bare.parse().expect("TOML");
    assert_eq!(
        written["server"]["limits"]["headers"],
        toml::Value::Integer(100),
        "settings are bare"
    );
    // Paths are contradictory only beside a bucket or a URL, so the defaults may all be written at
    // once.
    let shown = |text: &str| match parse(text) {
        (Some(config), faults) if faults.is_empty() => format!("{config:#?}"),
        (_, faults) => panic!("{faults:?}"),
    };
    assert_eq!(shown(&stands), shown(""));
    assert_eq!(shown(&bare), shown(""));
}

#[test]
fn each_key_stands_once() {
    let paths = Schema::of::<Config>().paths();
    let mut once = paths.clone();
    once.sort();
    once.dedup();
    assert_eq!(once.len(), paths.len());
}
