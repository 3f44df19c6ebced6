//! The pages where no script runs: they show the same, and their forms do the same.

use crate::place::Place;
use crate::screens;
use larder_tests::{Browser, Window};
use serde_json::json;

/// What a page says and offers: its heading, the headings below, buttons and fields that are seen. Times
/// are told in other words by a script.
const SAID: &str = "\
    const texts = (css) => [...document.querySelectorAll(css)]\
      .filter((it) => it.checkVisibility()).map((it) => it.innerText.trim());\
    const fields = [...document.querySelectorAll('main input, main select, main textarea')]\
      .filter((it) => it.type !== 'hidden').map((it) => it.name);\
    return JSON.stringify([texts('h1, h2, h3, th:not(:has(time)), dt'), texts('main button:not(.copy)'), fields]);";

fn said(window: &Window, place: &Place, path: &str) -> String {
    window.go(&place.at(path));
    window.run_text(SAID)
}

#[test]
fn pages_say_and_do_the_same_without_scripts() {
    let Some(browser) = Browser::start() else {
        return;
    };
    let place = Place::fill(200_000);
    let (live, plain) = (browser.open(true), browser.open(false));
    place.sign_in(&live);
    place.sign_in(&plain);
    plain.go(&place.at("/jobs"));
    let held = plain.run("return document.querySelectorAll('button.copy:not([hidden])').length");
    assert_eq!(held, json!(0), "a script ran");
    for screen in screens::of(&place) {
        // What is counted in pages that are opened would differ by those; beside rules a script asks for
        // a preview at once.
        if screen.path.starts_with("/audit")
            || screen.path == "/"
            || screen.path.starts_with("/me/sessions")
            || screen.path.starts_with("/policies/retention/")
        {
            plain.go(&place.at(&screen.path));
            assert_eq!(plain.count("h1"), 1, "{}", screen.path);
            continue;
        }
        let (with, without) = (
            said(&live, &place, &screen.path),
            said(&plain, &place, &screen.path),
        );
        assert_eq!(with, without, "{}", screen.path);
    }
    acts(&place, &plain);
    assert_eq!(plain.complaints(), Vec::<String>::new());
}

fn acts(place: &Place, window: &Window) {
    let get = |path: &str| place.larder.api("GET", path, "", 200);
    let at = |path: &str| window.go(&place.at(path));
    // A search.
    window.fill("input[type=search]", "ledger");
    window.follow(".find button");
    assert_eq!(window.url(), place.at("/search?q=ledger"));
    // A tag goes and comes back.
    at("/images/storefront/web");
    window.click("input[name=version][value=\"119\"]");
    window.follow("form button.danger");
    window.follow("button.danger");
    assert_eq!(window.count(".notice.ok"), 1);
    window.follow(".notice.ok button");
    assert_eq!(window.url(), place.at("/images/storefront/web"));
    assert_eq!(window.count("input[name=version]"), 2);
    // Rules are seen before they are saved.
    at("/policies/retention/oci/storefront");
    window.follow("button[value=add]");
    window.fill("input[name=newest]", "1");
    window.follow("button.main[value=save]");
    let rules = get("repositories/oci/storefront/retention");
    assert_eq!(rules["rules"][0]["keep"]["newest"], json!(1), "{rules}");
    // A user, a group, a robot, a token.
    at("/access/users");
    window.fill("#new input[name=name]", "noor");
    window.fill("#new input[name=password]", "long enough for anyone");
    window.follow("#new button.main");
    assert_eq!(window.url(), place.at("/access/users/noor"));
    at("/access/groups");
    window.fill("#new input[name=name]", "auditors");
    window.follow("#new button.main");
    assert_eq!(get("groups/auditors")["name"], "auditors");
    at("/me/tokens");
    window.fill("main input[name=name]", "notebook");
    window.follow("main button.main");
    assert!(window.text(".snippet code").starts_with("lrd_"));
    // The place is looked after.
    at("/cleanup");
    window.follow("button[value=dry-run]");
    assert_eq!(get("jobs?kind=gc")["items"][0]["dry_run"], json!(true));
    at("/upstreams/pypi/upstream");
    window.follow("main form button.main");
    assert_eq!(window.url(), place.at("/upstreams/pypi/upstream/check"));
    assert!(window.text("main").contains("The test, step by step"));
    let jobs = place.hold_job();
    at(&format!("/jobs/{jobs}"));
    window.follow("#job-rest button.danger");
    place.let_go();
    let job = get(&format!("jobs/{jobs}"));
    let cancelled = job["cancel_requested"] == json!(true) || job["state"] == "cancelled";
    assert!(cancelled, "{job}");
    // In another language, and dark.
    at("/me/appearance");
    window.click("select[name=theme] option[value=dark]");
    window.click("select[name=language] option[value=zh]");
    window.follow("main form button.main");
    assert_eq!(
        window.run("return document.documentElement.lang"),
        json!("zh-Hans")
    );
    assert_eq!(window.cookie("larder_theme").as_deref(), Some("dark"));
}
