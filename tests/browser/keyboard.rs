//! Each act by the keyboard alone, as someone does it who has no mouse: Tab comes to every control, it is
//! seen where the focus is, Enter and Space do what it says. And what changes while one looks.

use crate::place::{Place, WHO};
use larder_tests::browser::key::{DOWN, ENTER, TAB};
use larder_tests::larder::PASSWORD;
use larder_tests::{Browser, Window};
use serde_json::{Value, json};

/// A browser at a place.
struct At<'a> {
    place: &'a Place,
    window: &'a Window,
}

impl At<'_> {
    #[track_caller]
    fn go(&self, path: &str) {
        self.window.go(&self.place.at(path));
    }

    /// Comes to a control and presses a key on it.
    #[track_caller]
    fn press_on(&self, css: &str, key: &str) {
        self.window.tab_to(css);
        self.window.press(key);
    }

    /// Comes to a field and writes.
    #[track_caller]
    fn write_in(&self, css: &str, text: &str) {
        self.press_on(css, text);
    }

    fn api(&self, path: &str) -> Value {
        self.place.larder.api("GET", path, "", 200)
    }

    #[track_caller]
    fn shows(&self, text: &str) {
        self.window
            .await_that(&format!("document.body.innerText.includes({text:?})"));
    }
}

fn signs_in(at: &At) {
    at.go("/jobs");
    at.window.await_page("/login");
    // The first field has the focus.
    at.window.press(WHO);
    at.window.press(TAB);
    at.window.press(PASSWORD);
    at.window.press(ENTER);
    at.window.await_page("/jobs");
    assert_eq!(at.window.text("h1"), "Jobs");
}

fn searches(at: &At) {
    at.go("/");
    at.window.press("/");
    at.window.press("ledger");
    at.window
        .await_that("document.querySelectorAll('#suggestions [role=option]').length > 1");
    at.window.press(DOWN);
    at.window
        .await_that("document.querySelector('[aria-selected=true]')");
    at.window.press(ENTER);
    at.window.await_that(
        "document.querySelector('h1')?.innerText.includes('ledger') && location.pathname !== '/'",
    );
    at.window.press("/");
    at.window.press("checkout");
    at.window.press(ENTER);
    at.window.await_page("/search");
    at.shows("@storefront/checkout");
}

fn goes_by_letters(at: &At) {
    for (letter, path) in [
        ("i", "/images"),
        ("p", "/packages"),
        ("c", "/connect"),
        ("u", "/upstreams"),
        ("j", "/jobs"),
        ("d", "/"),
    ] {
        at.window.press("g");
        at.window.press(letter);
        at.window.await_page(path);
    }
    // The first thing that Tab comes to leads past the menu.
    at.press_on("a.skip", ENTER);
    at.window.await_that("location.hash === '#main'");
}

fn deletes_and_undoes(at: &At) {
    let versions = || {
        let list = at.api("repositories/oci/payments/packages/fraud-scoring/versions");
        list["items"].as_array().expect("items").len()
    };
    at.place.larder.api(
        "PATCH",
        "repositories/oci/payments",
        r#"{"immutable":[]}"#,
        200,
    );
    at.go("/images/payments/fraud-scoring");
    at.press_on("input[name=version]", " ");
    at.press_on("form button.danger", ENTER);
    at.window
        .await_page("/images/payments/fraud-scoring/-/delete");
    at.press_on("button.danger", ENTER);
    at.window.await_that("document.querySelector('.notice.ok')");
    assert_eq!(versions(), 0);
    at.press_on(".notice.ok button", ENTER);
    at.window.await_that(
        "!location.search.includes('undo') && document.body.innerText.includes('2026.11.1')",
    );
    assert_eq!(versions(), 1);
}

fn runs_the_collector(at: &At) {
    at.go("/cleanup");
    // What comes after is another document, wherever it is.
    at.window.run("document.body.dataset.before = '1'");
    at.press_on("button[value=dry-run]", ENTER);
    at.window
        .await_that("document.querySelector('body:not([data-before]) h1')");
    let newest = &at.api("jobs?kind=gc")["items"][0];
    assert_eq!(
        (&newest["dry_run"], &newest["by"]),
        (&json!(true), &json!("user:mei"))
    );
}

fn makes_a_token(at: &At) {
    at.go("/me/tokens");
    at.write_in("main input[name=name]", "workstation");
    at.press_on("main select[name=expires]", DOWN);
    at.press_on("main button.main", ENTER);
    at.window
        .await_that("document.querySelector('.snippet code')?.innerText.startsWith('lrd_')");
    at.go("/me/tokens");
    at.shows("workstation");
}

fn adds_a_user(at: &At) {
    at.go("/access/users");
    at.write_in("#new input[name=name]", "amara");
    at.write_in("#new input[name=password]", "long enough for anyone");
    at.press_on("#new button.main", ENTER);
    at.window.await_page("/access/users/amara");
    assert_eq!(at.api("users/amara")["superuser"], json!(false));
}

fn sets_retention(at: &At) {
    let path = "/policies/retention/oci/payments";
    at.go("/policies");
    at.press_on(&format!("a[href=\"{path}\"]"), ENTER);
    at.window.await_page(path);
    at.press_on("button[value=add]", ENTER);
    at.window
        .await_that("document.querySelector('input[name=newest]')");
    at.write_in("input[name=newest]", "1");
    // What the rule would do comes beside it, and what is written stays.
    at.window.press(TAB);
    at.window.await_that(
        "document.querySelector('#preview')?.innerText.includes('Would delete 3 versions')",
    );
    assert_eq!(
        at.window
            .run("return document.querySelector('input[name=newest]').value"),
        json!("1")
    );
    at.press_on("button[value=save]", ENTER);
    at.shows("The rules are saved.");
    let saved = at.api("repositories/oci/payments/retention");
    assert_eq!(saved["rules"][0]["keep"]["newest"], json!(1));
}

fn tests_an_upstream(at: &At) {
    at.go("/upstreams");
    at.press_on("a[href=\"/upstreams/pypi/upstream\"]", ENTER);
    at.window.await_page("/upstreams/pypi/upstream");
    at.press_on("main form button.main", ENTER);
    at.shows("The test, step by step");
}

/// A job ends while its page is open, and one is cancelled from its page.
fn follows_and_cancels(at: &At) {
    let id = at.place.hold_job();
    at.go(&format!("/jobs/{id}"));
    at.window.run("window.stayed = true");
    at.window
        .await_that("document.querySelector('.chip.running')");
    at.place.let_go();
    // One upstream does not answer as it should, so the check fails.
    at.window
        .await_that("document.querySelector('.chip.failed')");
    at.window
        .await_that("!document.querySelector('#job-rest button')");
    assert_eq!(
        at.window.run("return window.stayed"),
        json!(true),
        "it was loaded again"
    );
    let id = at.place.hold_job();
    at.go(&format!("/jobs/{id}"));
    at.press_on("#job-rest button.danger", ENTER);
    let ends = "document.body.innerText.includes('Cancellation was requested')";
    let has_ended = "document.querySelector('.chip.cancelled')";
    at.window.await_that(&format!("{ends} || {has_ended}"));
    let job = at.api(&format!("jobs/{id}"));
    let cancelled = job["cancel_requested"] == json!(true) || job["state"] == "cancelled";
    assert!(cancelled, "{job}");
    at.place.let_go();
}

#[test]
fn every_act_is_done_by_keys_alone() {
    let Some(browser) = Browser::start() else {
        return;
    };
    let (place, window) = (Place::fill(200_000), browser.open(true));
    let at = At {
        place: &place,
        window: &window,
    };
    signs_in(&at);
    searches(&at);
    goes_by_letters(&at);
    deletes_and_undoes(&at);
    runs_the_collector(&at);
    makes_a_token(&at);
    adds_a_user(&at);
    sets_retention(&at);
    tests_an_upstream(&at);
    follows_and_cancels(&at);
    assert_eq!(window.complaints(), Vec::<String>::new());
}
