//! The pages of the web GUI as a browser without scripts has them: a cookie, forms with the token of
//! their page.

use crate::Client;
use crate::http::Response;
use crate::larder::{Larder, PASSWORD};

const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");
/// What a browser says of a form of the server's own.
const OWN_PAGE: (&str, &str) = ("sec-fetch-site", "same-origin");
/// What a browser wants to have.
const HTML: (&str, &str) = ("accept", "text/html,application/xhtml+xml,*/*;q=0.8");

/// A browser, in which someone may have signed in.
pub struct Pages {
    client: Client,
    cookie: String,
}

impl Pages {
    /// One in which nobody has signed in.
    pub fn anonymous(larder: &Larder) -> Self {
        Self {
            client: larder.anonymous(),
            cookie: String::new(),
        }
    }

    /// One in which someone has signed in by the form.
    #[track_caller]
    pub fn of(larder: &Larder, name: &str) -> Self {
        let client = larder.anonymous();
        let form = format!("username={name}&password={}", encoded(PASSWORD));
        let begun = client.send("POST", "/login", &[FORM, OWN_PAGE], form.as_bytes());
        let begun = begun.expect(303);
        let cookie = begun.header("set-cookie").expect("a cookie");
        let cookie = cookie.split(';').next().expect("a pair").to_owned();
        Self { client, cookie }
    }

    /// A page in that language.
    #[track_caller]
    pub fn get_in(&self, path: &str, language: &str) -> Response {
        let cookie = format!("{}; larder_language={language}", self.cookie);
        let cookie = cookie.trim_start_matches("; ");
        self.client
            .send("GET", path, &[("cookie", cookie), HTML], b"")
    }

    /// A page in English.
    #[track_caller]
    pub fn get(&self, path: &str) -> Response {
        self.get_in(path, "en")
    }

    /// Sends a form of a page, with the token that the page has.
    #[track_caller]
    pub fn post(&self, page: &str, path: &str, fields: &[(&str, &str)]) -> Response {
        let text = self.get(page).expect(200).text();
        let (_, rest) = text
            .split_once("name=\"csrf_token\" value=\"")
            .expect("a token");
        let token = rest.split('"').next().expect("its end");
        let mut form = format!("csrf_token={}", encoded(token));
        for (name, value) in fields {
            form += &format!("&{name}={}", encoded(value));
        }
        self.send(path, &form)
    }

    /// Sends a form as it is.
    #[track_caller]
    pub fn send(&self, path: &str, form: &str) -> Response {
        let headers = [FORM, OWN_PAGE, ("cookie", &self.cookie)];
        self.client.send("POST", path, &headers, form.as_bytes())
    }
}

/// Fails the test unless a page holds all of these texts.
#[track_caller]
pub fn holds(html: &str, texts: &[&str]) {
    for text in texts {
        assert!(html.contains(text), "there is no {text:?} in\n{html}");
    }
}

/// A text as a form has it.
pub fn encoded(text: &str) -> String {
    let encode = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => {
            char::from(byte).to_string()
        }
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(encode).collect()
}
