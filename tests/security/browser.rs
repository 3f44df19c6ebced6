//! A browser in which someone has signed in.

use larder_tests::{Client, Larder, Response};

/// What the page that asks sends with it: the headers of a page of the server's own.
pub(crate) const OWN_PAGE: (&str, &str) = ("sec-fetch-site", "same-origin");

/// A browser with a session.
pub(crate) struct Browser {
    client: Client,
    /// The cookie as it is sent back.
    pub(crate) cookie: String,
    /// The `Set-Cookie` header that it was given.
    pub(crate) set_cookie: String,
    pub(crate) csrf: String,
    /// The session's id.
    pub(crate) id: String,
}

/// Signs in by the API.
pub(crate) fn sign_in(larder: &Larder, name: &str, password: &str) -> Response {
    let body = serde_json::json!({"name": name, "password": password}).to_string();
    let headers = [("content-type", "application/json")];
    let client = larder.anonymous();
    client.send("POST", "/api/v1/sessions", &headers, body.as_bytes())
}

impl Browser {
    #[track_caller]
    pub(crate) fn of(larder: &Larder, name: &str, password: &str) -> Self {
        let begun = sign_in(larder, name, password).expect(201);
        let set_cookie = begun.header("set-cookie").expect("a cookie").to_owned();
        let session = begun.json();
        let text = |key: &str| session[key].as_str().expect("text").to_owned();
        Self {
            client: larder.anonymous(),
            cookie: set_cookie.split(';').next().expect("a pair").to_owned(),
            set_cookie,
            csrf: text("csrf_token"),
            id: text("id"),
        }
    }

    /// Asks with the cookie and more headers.
    #[track_caller]
    pub(crate) fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Response {
        let headers = [&[("cookie", &*self.cookie)], headers].concat();
        self.client.send(method, path, &headers, body)
    }

    #[track_caller]
    pub(crate) fn get(&self, path: &str) -> Response {
        self.send("GET", path, &[], b"")
    }
}
