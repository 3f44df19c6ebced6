//! Every screen, as it is seen: in both languages, light and dark, on a narrow screen, by someone who
//! does not see it. `LARDER_TEST_LONG=1` tries all combinations.

use crate::place::Place;
use crate::screens::{self, Screen};
use larder_tests::tools::is_long;
use larder_tests::{Axe, Browser, Window};

/// A language and a theme.
type Mode = (&'static str, &'static str);

/// All of them; the first two are tried always.
const MODES: [Mode; 4] = [
    ("en", "light"),
    ("zh", "dark"),
    ("en", "dark"),
    ("zh", "light"),
];

/// A narrow telephone; and a screen of 1280 by 1024 pixels that is enlarged four times: the browser
/// then lays pages out in as many CSS pixels as these.
const NARROW: [(u32, u32); 2] = [(320, 640), (320, 256)];

/// What is wrong with the page that is shown, whatever page it is.
const WRONG: &str = "\
    const wrong = [];\
    const count = (css, wanted) => {\
      const found = document.querySelectorAll(css).length;\
      if (found !== wanted) wrong.push(`${found} of ${css}`);\
    };\
    count('h1', 1); count('main', 1); count('body > a.skip', 1); count('[style]', 0);\
    for (const id of document.querySelectorAll('[id]'))\
      if (document.querySelectorAll('#' + CSS.escape(id.id)).length !== 1) wrong.push(`twice: ${id.id}`);\
    if (!document.title.endsWith('Larder')) wrong.push('title ' + document.title);\
    if (document.querySelectorAll('*').length > 2500) wrong.push('too many elements');\
    return [document.documentElement.lang, ...wrong].join('; ');";

/// What makes a page wider than its window.
const WIDE: &str = "\
    const wide = document.scrollingElement.scrollWidth;\
    if (wide <= innerWidth) return '';\
    const out = [...document.querySelectorAll('main *, header *')]\
      .filter((it) => it.getBoundingClientRect().right > innerWidth + 1 && !it.closest('pre'))\
      .map((it) => it.outerHTML.slice(0, 120));\
    return `${wide} px: ${out.slice(0, 4).join(' ')}`;";

/// Targets that are too small to be hit (WCAG 2.2, 2.5.8).
const SMALL: &str = "\
    return [...document.querySelectorAll('button, summary, input:not([type=hidden]), select')]\
      .filter((it) => it.checkVisibility() && !it.classList.contains('hidden') && it.type !== 'checkbox')\
      .filter((it) => { const box = it.getBoundingClientRect(); return box.height < 24 || box.width < 24; })\
      .map((it) => it.outerHTML.slice(0, 100)).join(' ');";

/// What was found wrong on all screens.
#[derive(Default)]
struct Found(Vec<String>);

impl Found {
    fn note(&mut self, screen: &Screen, mode: &str, what: impl Into<String>) {
        let what = what.into();
        if !what.is_empty() {
            self.0.push(format!("{} ({mode}): {what}", screen.path));
        }
    }

    #[track_caller]
    fn require_none(&self) {
        assert!(
            self.0.is_empty(),
            "{} faults:\n{}",
            self.0.len(),
            self.0.join("\n")
        );
    }
}

fn look(
    place: &Place,
    window: &Window,
    axe: &Axe,
    screens: &[Screen],
    mode: Mode,
    found: &mut Found,
) {
    let (language, theme) = mode;
    window.set_cookie("larder_language", language);
    window.set_cookie("larder_theme", theme);
    let tag = if language == "zh" { "zh-Hans" } else { "en" };
    let name = format!("{language} {theme}");
    let own = place.at("/");
    for screen in screens {
        window.size(1280, 800);
        window.go(&place.at(&screen.path));
        let wrong = window.run_text(WRONG);
        if wrong != tag {
            found.note(screen, &name, wrong);
        }
        found.note(screen, &name, window.run_text(SMALL));
        for fault in window.faults(axe) {
            found.note(screen, &name, fault);
        }
        for (width, height) in NARROW {
            window.size(width, height);
            let name = format!("{name} {width}x{height}");
            found.note(screen, &name, window.run_text(WIDE));
            if is_long() && height == NARROW[0].1 {
                for fault in window.faults(axe) {
                    found.note(screen, &name, fault);
                }
            }
        }
        for complaint in window.complaints() {
            found.note(screen, &name, complaint);
        }
        for url in window.requests() {
            if !url.starts_with(&own) {
                found.note(screen, &name, format!("asks for {url}"));
            }
        }
    }
}

#[test]
fn every_screen_is_whole_for_everyone() {
    let (Some(browser), Some(axe)) = (Browser::start(), Axe::find()) else {
        return;
    };
    let modes = &MODES[..if is_long() { 4 } else { 2 }];
    let place = Place::fill(300_000);
    let window = browser.open(true);
    let mut found = Found::default();
    window.go(&place.at("/login"));
    for mode in modes {
        look(
            &place,
            &window,
            &axe,
            &[screens::login()],
            *mode,
            &mut found,
        );
    }
    place.sign_in(&window);
    let screens = screens::of(&place);
    for mode in modes {
        look(&place, &window, &axe, &screens, *mode, &mut found);
    }
    found.require_none();
}

/// Pages that are there for whoever has not signed in.
const PUBLIC: [&str; 14] = [
    "/",
    "/images",
    "/images/platform",
    "/images/platform/gateway",
    "/images/platform/gateway/-/tags/2.15.0",
    "/packages",
    "/packages/npm/local",
    "/packages/npm/local/@storefront/checkout",
    "/search?q=gateway",
    "/connect",
    "/connect/docker?repository=platform",
    "/npm/main/",
    "/why/{why}",
    "/me/appearance",
];

/// What nobody may read who has not signed in.
const HIDDEN: [&str; 4] = ["payments", "fraud", "ledger-core", "service-config"];

#[test]
fn whoever_has_not_signed_in_sees_what_anonymous_may_read() {
    let (Some(browser), Some(axe)) = (Browser::start(), Axe::find()) else {
        return;
    };
    let place = Place::fill(300_000);
    place
        .larder
        .grant("anonymous", "oci/platform", "*", "reader");
    place.larder.grant("anonymous", "npm/local", "*", "reader");
    let window = browser.open(true);
    window.go(&place.at("/login"));
    let screens = PUBLIC.map(|path| Screen {
        path: path.replace("{why}", &place.why),
        picture: "",
    });
    let mut found = Found::default();
    for mode in MODES.iter().take(if is_long() { 4 } else { 2 }) {
        look(&place, &window, &axe, &screens, *mode, &mut found);
    }
    found.require_none();
    window.size(1280, 800);
    window.set_cookie("larder_language", "en");
    for screen in &screens {
        window.go(&place.at(&screen.path));
        assert_eq!(window.url(), place.at(&screen.path), "it asks for a login");
        let text = window.text("body");
        assert!(text.contains("Sign in"), "{}: {text}", screen.path);
        for hidden in HIDDEN {
            assert!(!text.contains(hidden), "{} shows {hidden}", screen.path);
        }
        assert_eq!(
            window.count("main form[method=post] .danger"),
            0,
            "{}",
            screen.path
        );
    }
    for (path, shown) in [
        ("/", "oci/platform"),
        ("/images", "gateway"),
        ("/packages", "@storefront/checkout"),
        ("/search?q=gateway", "oci/platform"),
        ("/images/platform/gateway", "2.15.0"),
        ("/packages/npm/local/@storefront/checkout", "3.2.0"),
        ("/connect/docker?repository=platform", "docker pull"),
    ] {
        window.go(&place.at(path));
        assert!(
            window.text("main").contains(shown),
            "{path} does not show {shown}"
        );
    }
    for path in [
        "/jobs",
        "/audit",
        "/access/users",
        "/me/tokens",
        "/images/payments",
    ] {
        window.go(&place.at(path));
        assert!(
            window.url().starts_with(&place.at("/login?next=")),
            "{path} is {}",
            window.url()
        );
    }
}
