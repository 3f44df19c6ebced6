//! How pages look: kept in the browser alone, so that it holds before anyone signs in.

use crate::form::Form;
use crate::language::Language;
use crate::page::{Frame, OrPage as _, Shown, see_other, show};
use crate::visit::{KEYS, LANGUAGE, THEME, Theme, Visit};
use askama::Template;
use http::HeaderValue;
use http::header::SET_COOKIE;
use larder_model::Problem;

/// A year, in seconds.
const KEPT: u32 = 365 * 24 * 60 * 60;

#[derive(Template)]
#[template(path = "appearance.html")]
struct Look {
    frame: Frame,
}

/// How pages look, and which keys they know.
pub(crate) async fn show_look(visit: Visit) -> Shown {
    let frame = Frame::new(&visit, visit.language().appearance_title()).or_page(&visit)?;
    show(&Look { frame }).or_page(&visit)
}

/// Sets language, theme or keys, and goes back to where one was.
pub(crate) async fn set(visit: Visit, form: Form) -> Shown {
    let language = Language::of_word(form.text("language")).map(Language::word);
    let theme = Theme::of_word(form.text("theme")).map(Theme::word);
    let mut response = see_other(own_path(form.text("next"))).or_page(&visit)?;
    let keys = ["on", "off"]
        .into_iter()
        .find(|word| form.text("keys") == *word);
    for (name, value) in [(LANGUAGE, language), (THEME, theme), (KEYS, keys)] {
        let Some(value) = value else { continue };
        let cookie = format!("{name}={value}; Path=/; Max-Age={KEPT}; SameSite=Lax");
        let cookie = HeaderValue::try_from(cookie).map_err(Problem::internal);
        let cookie = cookie.or_page(&visit)?;
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    Ok(response)
}

/// A path of this server, and of no other: else the front page.
pub(crate) fn own_path(next: &str) -> &str {
    let is_own = next.starts_with('/')
        && !next.starts_with("//")
        && !next.contains('\\')
        && next.bytes().all(|byte| byte.is_ascii_graphic());
    if is_own { next } else { "/" }
}

#[cfg(test)]
mod tests {
    use super::own_path;

    #[test]
    fn nobody_is_sent_elsewhere() {
        for path in ["/", "/jobs?kind=gc", "/images/a/b"] {
            assert_eq!(own_path(path), path);
        }
        for path in [
            "",
            "jobs",
            "//evil.example/",
            "https://evil.example/",
            "/\\evil",
            "/a\r\nb",
            "/\t/x",
        ] {
            assert_eq!(own_path(path), "/");
        }
    }
}
