//! The page at which a person logs a client in that has no way to ask for a password itself (`npm
//! login`).
//!
//! It needs no session and no cookie: what is asked travels sealed in its address, and only the
//! client that asked gets anything of it. So another site's page can bring nobody to more than an
//! empty form; the door takes no form of its own from it.

use crate::html;
use crate::query::Query;
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY};
use http::request::Parts;
use http::{HeaderValue, Method, StatusCode};
use larder_access::{Admission, Gate, LoginRequest};
use larder_door::door::{Door, RefusalContext};
use larder_door::{Answer, ClientView, FOR_ONE_CALLER, Incoming};
use larder_model::html::escape;
use larder_model::{Kind, Permission, Problem, Reply};
use std::sync::Arc;

/// A form has at most so many bytes.
const FORM_BYTES: usize = 16 << 10;
const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:32rem;margin:4rem auto;padding:0 1rem;\
    color-scheme:light dark}label{display:block;margin:1rem 0}\
    input{display:block;font:inherit;padding:.4rem;width:100%;\
    box-sizing:border-box}button{font:inherit;padding:.4rem 1.2rem}dt{font-weight:600}dd{margin:0 0 .5rem;\
    overflow-wrap:anywhere}.wrong{border-left:.3rem solid #c00;padding-left:.7rem}";

/// The door of the page.
pub struct SignIn {
    gate: Arc<Gate>,
}

/// What is asked of the page.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Act {
    /// The form.
    Show,
    /// The form, filled in.
    Send,
}

impl SignIn {
    /// The page over the logins of this gate.
    pub const fn new(gate: Arc<Gate>) -> Self {
        Self { gate }
    }

    fn show(&self, request: &Parts) -> Result<Reply, Problem> {
        let query = Query::read(request.uri.query().unwrap_or_default())?;
        let ask = query.need("ask")?;
        let asker = self.gate.asker(ask)?;
        Ok(page(StatusCode::OK, "Sign in", &form(&asker, ask, "", "")))
    }

    async fn send(&self, site: &ClientView, body: &mut Incoming) -> Result<Reply, Problem> {
        let body = body.collect(FORM_BYTES).await?;
        let text = std::str::from_utf8(&body)
            .map_err(|_| Problem::invalid("form", "the form is not UTF-8"))?;
        let fields = Query::read(text)?;
        let (ask, name, password) = (
            fields.need("ask")?,
            fields.need("username")?,
            fields.need("password")?,
        );
        match self.gate.sign_in(ask, name, password, &site.origin()).await {
            Ok((asker, principal)) => {
                let (by, client, from) = (&principal.label, &asker.place, &asker.address);
                tracing::info!(%by, client, %from, "signed in a client");
                let name = escape(principal.name().unwrap_or_default());
                let text = format!(
                    "<p>You are signed in as <b>{name}</b>. Go back to the client; close this page.</p>"
                );
                Ok(page(StatusCode::OK, "Signed in", &text))
            }
            // Once more; a challenge would make the browser ask by itself.
            Err(problem) if problem.kind == Kind::Unauthenticated => {
                let form = form(
                    &self.gate.asker(ask)?,
                    ask,
                    name,
                    "Wrong user name or password.",
                );
                Ok(page(StatusCode::FORBIDDEN, "Sign in", &form))
            }
            Err(problem) => Err(problem),
        }
    }
}

impl Door for SignIn {
    type Endpoint = Act;

    fn parse(&self, request: &Parts) -> Result<Act, Problem> {
        match request.method {
            Method::GET | Method::HEAD => Ok(Act::Show),
            Method::POST => Ok(Act::Send),
            _ => Err(Problem::new(
                Kind::Method,
                "method",
                "this method is not for this path",
            )),
        }
    }

    fn permissions(&self, _: &Act) -> Vec<Permission> {
        Vec::new()
    }

    /// What a browser remembers must not sign anyone in.
    fn is_open(&self, _: &Act) -> bool {
        true
    }

    async fn answer(
        &self,
        _: Admission,
        act: Act,
        request: &Parts,
        client: &ClientView,
        body: &mut Incoming,
    ) -> Result<Answer, Problem> {
        let reply = match act {
            Act::Show => self.show(request)?,
            Act::Send => self.send(client, body).await?,
        };
        Ok(reply.into())
    }

    fn refuse(&self, problem: &Problem, _: &RefusalContext<'_>) -> Reply {
        let text = format!("<p class=\"wrong\">{}</p>", escape(&problem.detail));
        page(problem.status(), "Sign in", &text)
    }
}

fn form(asker: &LoginRequest, ask: &str, name: &str, wrong: &str) -> String {
    let wrong = if wrong.is_empty() {
        String::new()
    } else {
        format!("<p class=\"wrong\">{}</p>", escape(wrong))
    };
    let agent = if asker.agent.is_empty() {
        "a client without a name"
    } else {
        &asker.agent
    };
    format!(
        "<p>A client asks for a token that may do what you may. Go on only if you have just started it yourself.</p>\
         <dl><dt>From</dt><dd>{address}</dd><dt>It says it is</dt><dd>{agent}</dd><dt>For</dt><dd>{place}</dd>\
         <dt>Asked at</dt><dd>{at}</dd></dl>{wrong}\
         <form method=\"post\" action=\"?\"><input type=\"hidden\" name=\"ask\" value=\"{ask}\">\
         <label>User name<input name=\"username\" value=\"{name}\" autocomplete=\"username\" \
         required autofocus></label>\
         <label>Password<input name=\"password\" type=\"password\" autocomplete=\"current-password\" required></label>\
         <button>Give it a token</button></form>",
        address = asker.address,
        agent = escape(agent),
        place = escape(&asker.place),
        at = asker.at(),
        ask = escape(ask),
        name = escape(name),
    )
}

/// A page of ours, in which nothing runs and which nobody frames.
fn page(status: StatusCode, title: &str, text: &str) -> Reply {
    let body = format!(
        "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title} - Larder</title>\
         <meta name=\"viewport\" content=\"width=device-width\"><style>{STYLE}</style></head>\
         <body><h1>{title}</h1>{text}</body></html>"
    );
    Reply::new(status)
        .with_body(html::MEDIA_TYPE, body)
        .with(CONTENT_SECURITY_POLICY, html::policy(STYLE, "'self'"))
        .with(CACHE_CONTROL, FOR_ONE_CALLER)
        .with(REFERRER_POLICY, HeaderValue::from_static("same-origin")) // with none, forms would tell no origin
}

#[cfg(test)]
mod tests;
