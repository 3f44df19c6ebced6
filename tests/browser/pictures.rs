//! The pictures of the screens in `docs/screens`: one of each in English and light, some in Chinese or
//! dark. They are made anew, in Debian's letters, by
//!
//! ```sh
//! LARDER_SCREENS=1 cargo test -p larder-server --test browser pictures
//! ```
//!
//! `pngquant`, where it is installed, makes them smaller. Without the variable the test holds that each
//! screen has its picture, and that none is large.

use crate::place::Place;
use crate::screens;
use larder_tests::tools::optional;
use larder_tests::{Browser, Window};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Bytes of a picture at most.
const BYTES: u64 = 150_000;
/// Pixels of a picture at most, from the top.
const HEIGHT: u32 = 1700;
/// Screens that are also shown in other clothes: name, language, theme.
const OTHERS: [(&str, &str, &str); 6] = [
    ("dashboard", "en", "dark"),
    ("dashboard", "zh", "light"),
    ("image-tag", "en", "dark"),
    ("image", "zh", "light"),
    ("cleanup", "zh", "dark"),
    ("retention", "zh", "dark"),
];

fn folder() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent();
    root.expect("workspace").join("docs/screens")
}

fn file(name: &str, language: &str, theme: &str) -> PathBuf {
    folder().join(match (language, theme) {
        ("en", "light") => format!("{name}.png"),
        ("en", theme) => format!("{name}.{theme}.png"),
        (language, "light") => format!("{name}.{language}.png"),
        (language, theme) => format!("{name}.{language}.{theme}.png"),
    })
}

/// The same picture with a palette of 256 colours, if there is a tool for it.
fn smaller(png: Vec<u8>) -> Vec<u8> {
    let Some(program) = optional("pngquant") else {
        return png;
    };
    let mut child = Command::new(program)
        .args(["--speed", "1", "--strip", "--nofs", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("pngquant");
    let mut input = child.stdin.take().expect("input");
    let writer = std::thread::spawn(move || input.write_all(&png).expect("picture"));
    let output = child.wait_with_output().expect("pngquant");
    writer.join().expect("picture");
    assert!(output.status.success(), "pngquant fails");
    output.stdout
}

fn take(place: &Place, window: &Window, path: &str, (name, language, theme): (&str, &str, &str)) {
    window.set_cookie("larder_language", language);
    window.set_cookie("larder_theme", theme);
    window.go(&place.at(path));
    // Its parts that come later are there.
    window.await_that("!document.querySelector('.htmx-request, [aria-busy=true]')");
    std::fs::write(file(name, language, theme), smaller(window.image(HEIGHT))).expect("picture");
}

fn take_all() {
    let Some(browser) = Browser::start() else {
        return;
    };
    let place = Place::fill_over_weeks(24_000_000);
    place.wake();
    std::fs::create_dir_all(folder()).expect("folder");
    let window = browser.open(true);
    window.turn_clock(place.clock.hours() * 3600);
    window.go(&place.at("/login"));
    let login = screens::login();
    take(&place, &window, &login.path, (login.picture, "en", "light"));
    place.sign_in(&window);
    let screens = screens::of(&place);
    for screen in screens.iter().filter(|screen| !screen.picture.is_empty()) {
        take(
            &place,
            &window,
            &screen.path,
            (screen.picture, "en", "light"),
        );
    }
    for (name, language, theme) in OTHERS {
        let screen = screens.iter().find(|screen| screen.picture == name);
        take(
            &place,
            &window,
            &screen.expect(name).path,
            (name, language, theme),
        );
    }
}

#[test]
fn every_screen_has_its_picture() {
    if std::env::var_os("LARDER_SCREENS").is_some() {
        take_all();
    }
    let of_all = screens::pictures().map(|name| (name, "en", "light"));
    let mut files: Vec<PathBuf> = of_all
        .chain(OTHERS)
        .map(|(name, language, theme)| file(name, language, theme))
        .collect();
    for file in &files {
        let size = std::fs::metadata(file).map(|about| about.len());
        let size = size.unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        assert!(
            (1000..=BYTES).contains(&size),
            "{}: {size} bytes",
            file.display()
        );
    }
    let listed = std::fs::read_dir(folder()).expect("folder");
    let mut there: Vec<PathBuf> = listed.map(|file| file.expect("file").path()).collect();
    files.sort();
    there.sort();
    assert_eq!(there, files, "a picture of no screen");
}
