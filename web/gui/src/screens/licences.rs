//! Whose work is in the program, and under which licences.

use crate::page::{Frame, OrPage as _, Shown, show};
use crate::visit::Visit;
use askama::Template;
use larder_api as api;

/// A line for each library in the program: name, version, licence. A test holds it to `Cargo.lock`.
const LIBRARIES: &str = include_str!("../../licences.txt");

/// A library that is compiled in.
pub(crate) struct Library {
    pub(crate) name: &'static str,
    pub(crate) version: &'static str,
    pub(crate) licence: &'static str,
}

/// Files of others that pages are made with.
struct Vendored {
    name: &'static str,
    what: &'static str,
    licence: &'static str,
    /// The licence, whole.
    text: &'static str,
}

const VENDORED: [Vendored; 2] = [
    Vendored {
        name: "htmx",
        what: "htmx.js, hx-sse.js",
        licence: "0BSD",
        text: include_str!("../../assets/htmx.LICENSE"),
    },
    Vendored {
        name: "Lucide",
        what: "icons.svg",
        licence: "ISC",
        text: include_str!("../../assets/icons.LICENSE"),
    },
];

/// The lines of the list of libraries.
pub(crate) fn libraries() -> impl Iterator<Item = Library> {
    LIBRARIES.lines().filter_map(|line| {
        let (name, rest) = line.split_once(' ')?;
        let (version, licence) = rest.split_once(' ')?;
        Some(Library {
            name,
            version,
            licence,
        })
    })
}

#[derive(Template)]
#[template(path = "licences.html")]
struct Licences {
    frame: Frame,
    version: String,
    libraries: Vec<Library>,
}

impl Licences {
    const fn vendored(&self) -> [Vendored; 2] {
        VENDORED
    }
}

/// The licences, for those who see the server's state.
pub(crate) async fn licences(visit: Visit) -> Shown {
    let health: api::SystemHealth = visit.get("/system/health").await.or_page(&visit)?;
    let t = visit.language();
    let frame = Frame::new(&visit, t.licences_title()).or_page(&visit)?;
    let page = Licences {
        frame: frame.below(t.system_title(), "/system"),
        version: health.version,
        libraries: libraries().collect(),
    };
    show(&page).or_page(&visit)
}
