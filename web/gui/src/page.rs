//! A page: the frame that all have, and what becomes of a problem.

use crate::assets::at;
use crate::format;
use crate::language::Language;
use crate::menu::{self, Group};
use crate::policy;
use crate::visit::{Theme, Visit};
use askama::Template;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, LOCATION};
use http::{HeaderValue, StatusCode};
use larder_door::FOR_ONE_CALLER;
use larder_model::{Kind, Problem, Timestamp};
use std::sync::Arc;
use url::form_urlencoded;

/// A step from the front page to where one is.
pub(crate) struct Crumb {
    pub(crate) label: String,
    pub(crate) path: String,
}

/// The same act elsewhere than in the GUI.
pub(crate) struct Elsewhere {
    /// By the command line.
    pub(crate) command: String,
    /// By the API: method and path.
    pub(crate) call: String,
}

/// What every page has around what it shows.
pub(crate) struct Frame {
    pub(crate) language: Language,
    pub(crate) theme: Theme,
    /// Whether single keys do something.
    pub(crate) has_keys: bool,
    /// The page's name; empty: the front page.
    pub(crate) title: String,
    pub(crate) crumbs: Vec<Crumb>,
    pub(crate) user: Option<String>,
    pub(crate) is_superuser: bool,
    pub(crate) csrf_token: String,
    /// Path and query of this page.
    pub(crate) target: Arc<str>,
    pub(crate) elsewhere: Option<Elsewhere>,
    pub(crate) menu: Vec<Group>,
    /// Where the page belongs, if its address does not say so.
    place: Option<&'static str>,
    /// When the page is made.
    now: Timestamp,
    /// The address of this server, as the browser has it.
    pub(crate) base: Box<str>,
}

impl Frame {
    /// The frame of a page of that name, at that place in the menu.
    pub(crate) fn new(visit: &Visit, title: impl Into<String>) -> Result<Self, Problem> {
        Ok(Self {
            language: visit.language(),
            theme: visit.appearance.theme,
            has_keys: visit.appearance.has_keys,
            title: title.into(),
            crumbs: Vec::new(),
            user: visit.user().map(str::to_owned),
            is_superuser: visit.is_superuser(),
            csrf_token: visit.csrf_token()?,
            menu: menu::for_visit(visit),
            target: Arc::clone(&visit.target),
            elsewhere: None,
            place: None,
            now: visit.now(),
            base: visit.client.base.clone(),
        })
    }

    /// The same below another page.
    pub(crate) fn below(mut self, label: impl Into<String>, path: impl Into<String>) -> Self {
        self.crumbs.push(Crumb {
            label: label.into(),
            path: path.into(),
        });
        self
    }

    /// The same where the page belongs to another place of the menu than its address says.
    pub(crate) fn within(self, place: &'static str) -> Self {
        Self {
            place: Some(place),
            ..self
        }
    }

    /// The same where a form was sent to an address that shows no page.
    pub(crate) fn at(self, path: &str) -> Self {
        Self {
            target: path.into(),
            ..self
        }
    }

    /// The same with how it is done elsewhere.
    pub(crate) fn elsewhere(mut self, command: impl Into<String>, call: impl Into<String>) -> Self {
        self.elsewhere = Some(Elsewhere {
            command: command.into(),
            call: call.into(),
        });
        self
    }

    /// The texts of the page.
    pub(crate) const fn t(&self) -> Language {
        self.language
    }

    /// Where the style sheet is.
    pub(crate) const fn style(&self) -> &'static str {
        at::APP_CSS
    }

    /// Where the scripts are.
    pub(crate) const fn scripts(&self) -> [&'static str; 3] {
        [at::HTMX_JS, at::HX_SSE_JS, at::APP_JS]
    }

    /// Where an icon is.
    pub(crate) fn icon(&self, name: &str) -> String {
        format!("{}#{name}", at::ICONS_SVG)
    }

    /// Bytes in a unit that suits.
    pub(crate) fn bytes(&self, count: &u64) -> String {
        format::bytes(*count)
    }

    /// A number with its thousands apart.
    pub(crate) fn count(&self, number: &u64) -> String {
        format::count(*number)
    }

    /// A condition of a template's macro, which has all it is given by reference.
    pub(crate) const fn holds(&self, condition: &bool) -> bool {
        *condition
    }

    /// The pages of one's own account.
    pub(crate) const fn account(&self) -> [(&'static str, &'static str); 4] {
        let t = self.language;
        [
            ("/me/profile", t.frame_profile()),
            ("/me/tokens", t.tokens_title()),
            ("/me/sessions", t.sessions_title()),
            ("/me/appearance", t.appearance_title()),
        ]
    }

    /// Whether a moment is past.
    pub(crate) fn is_past(&self, time: &Timestamp) -> bool {
        *time <= self.now
    }

    /// A moment, exactly.
    pub(crate) fn exact(&self, time: &Timestamp) -> String {
        format::exact(*time)
    }

    /// All languages but this one, to be chosen.
    pub(crate) fn other_languages(&self) -> impl Iterator<Item = Language> + use<> {
        let own = self.language;
        Language::ALL
            .into_iter()
            .filter(move |language| *language != own)
    }

    /// All themes.
    pub(crate) const fn themes(&self) -> [Theme; 3] {
        Theme::ALL
    }

    /// Whether the page looks so.
    pub(crate) fn has_theme(&self, theme: &Theme) -> bool {
        self.theme == *theme
    }

    /// What a theme is called.
    pub(crate) const fn theme_name(&self, theme: &Theme) -> &'static str {
        match theme {
            Theme::System => self.language.frame_theme_system(),
            Theme::Light => self.language.frame_theme_light(),
            Theme::Dark => self.language.frame_theme_dark(),
        }
    }

    /// Whether this page is this one.
    pub(crate) fn is_page(&self, path: &str) -> bool {
        self.target.split('?').next() == Some(path)
    }

    /// Whether this page is at a place of the menu, or below it.
    pub(crate) fn is_at(&self, path: &str) -> bool {
        let own = self.target.split('?').next().unwrap_or_default();
        let here = self.place.unwrap_or(own);
        match path {
            "/" => here == "/",
            _ => here
                .strip_prefix(path)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/')),
        }
    }
}

/// A page as a response.
pub(crate) fn show(page: &impl Template) -> Result<Response, Problem> {
    show_with(StatusCode::OK, page)
}

/// The same with another status.
pub(crate) fn show_with(status: StatusCode, page: &impl Template) -> Result<Response, Problem> {
    let html = page.render().map_err(Problem::internal)?;
    let mut response = Response::new(Body::from(html));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(
        CONTENT_TYPE,
        HeaderValue::from_static("text/html; charset=utf-8"),
    );
    policy::add(headers);
    Ok(response)
}

/// A page with a form: of one that was refused, with why, the status says so.
pub(crate) fn show_form(is_refused: bool, page: &impl Template) -> Result<Response, Problem> {
    let status = if is_refused {
        StatusCode::BAD_REQUEST
    } else {
        StatusCode::OK
    };
    show_with(status, page)
}

/// A page that shows a secret, which nobody keeps.
pub(crate) fn show_secret(page: &impl Template) -> Result<Response, Problem> {
    let mut response = show(page)?;
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, FOR_ONE_CALLER);
    Ok(response)
}

/// After an act: to the page that shows what came of it (RFC 9110 15.4.4).
pub(crate) fn see_other(path: &str) -> Result<Response, Problem> {
    let mut response = Response::default();
    *response.status_mut() = StatusCode::SEE_OTHER;
    let path = HeaderValue::try_from(path).map_err(Problem::internal)?;
    response.headers_mut().insert(LOCATION, path);
    Ok(response)
}

/// Where one signs in and comes back from.
pub(crate) fn login_path(target: &str) -> String {
    let next: String = form_urlencoded::byte_serialize(target.as_bytes()).collect();
    format!("/login?next={next}")
}

/// A page that tells what went wrong, what was not changed and what can be done.
#[derive(Template)]
#[template(path = "error.html")]
struct Wrong {
    frame: Frame,
    problem: Problem,
    status: u16,
}

/// How a screen says no.
pub(crate) struct ErrorPage(Box<Response>);

impl ErrorPage {
    /// What a problem becomes for whoever looks. Who is not signed in and may not see something is
    /// asked to sign in.
    pub(crate) fn new(visit: &Visit, problem: Problem) -> Self {
        let asks = matches!(problem.kind, Kind::Unauthenticated | Kind::LoginRefused);
        let hidden = matches!(problem.kind, Kind::Denied) && visit.user().is_none();
        let made = if asks || hidden {
            see_other(&login_path(&visit.page))
        } else {
            Self::page(visit, problem)
        };
        Self(Box::new(
            made.unwrap_or_else(|problem| Self::plain(&problem)),
        ))
    }

    /// A response that is no page.
    pub(crate) fn bare(response: Response) -> Self {
        Self(Box::new(response))
    }

    fn page(visit: &Visit, problem: Problem) -> Result<Response, Problem> {
        let status = problem.status();
        let t = visit.language();
        let title = match status {
            StatusCode::NOT_FOUND => t.error_not_found(),
            StatusCode::FORBIDDEN => t.error_not_allowed(),
            status if status.is_server_error() => t.error_failed(),
            _ => t.error_refused(),
        };
        let frame = Frame::new(visit, title)?;
        let page = Wrong {
            frame,
            status: status.as_u16(),
            problem,
        };
        let mut response = show_with(status, &page)?;
        response.extensions_mut().insert(Arc::new(page.problem));
        Ok(response)
    }

    /// Where not even a page can be made.
    fn plain(problem: &Problem) -> Response {
        let mut response = Response::new(Body::from(problem.detail.to_string()));
        *response.status_mut() = problem.status();
        response
    }
}

impl IntoResponse for ErrorPage {
    fn into_response(self) -> Response {
        *self.0
    }
}

/// What a screen's function gives: a page, or the page of a problem.
pub(crate) type Shown = Result<Response, ErrorPage>;

/// Turns a screen's problem into its page.
pub(crate) trait OrPage<T> {
    /// The value, or the page of the problem for whoever looks.
    fn or_page(self, visit: &Visit) -> Result<T, ErrorPage>;
}

impl<T> OrPage<T> for Result<T, Problem> {
    fn or_page(self, visit: &Visit) -> Result<T, ErrorPage> {
        self.map_err(|problem| ErrorPage::new(visit, problem))
    }
}
