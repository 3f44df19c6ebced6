//! The server itself: how it fares, and how it is configured.

use crate::page::{Frame, OrPage as _, Shown, show};
use crate::visit::Visit;
use askama::Template;
use larder_api as api;

#[derive(Template)]
#[template(path = "system.html")]
struct System {
    frame: Frame,
    health: api::SystemHealth,
    authority: Option<String>,
}

impl System {
    /// What the server stands on.
    const fn parts(&self) -> [(&'static str, &api::PartHealth); 2] {
        let t = self.frame.language;
        [
            (t.system_database(), &self.health.database),
            (t.system_store(), &self.health.storage),
        ]
    }
}

/// How it fares.
pub(crate) async fn health(visit: Visit) -> Shown {
    let health = visit.get("/system/health").await.or_page(&visit)?;
    let authority: api::Authority = visit.get("/system/authority").await.or_page(&visit)?;
    let frame = Frame::new(&visit, visit.language().system_title()).or_page(&visit)?;
    let page = System {
        frame: frame.elsewhere("larder doctor", "GET /api/v1/system/health"),
        health,
        authority: authority.certificate,
    };
    show(&page).or_page(&visit)
}

/// Settings that belong together.
struct Section {
    /// The part of their paths that they share; empty: at the top.
    name: String,
    settings: Vec<api::ConfigSetting>,
}

#[derive(Template)]
#[template(path = "system_config.html")]
struct Configuration {
    frame: Frame,
    sections: Vec<Section>,
}

/// How it is configured.
pub(crate) async fn config(visit: Visit) -> Shown {
    let list: Result<api::List<api::ConfigSetting>, _> = visit.get("/system/config").await;
    let list = list.or_page(&visit)?;
    let t = visit.language();
    let frame = Frame::new(&visit, t.system_config()).or_page(&visit)?;
    let page = Configuration {
        frame: frame
            .below(t.system_title(), "/system")
            .elsewhere("larder check", "GET /api/v1/system/config"),
        sections: sections(list.items),
    };
    show(&page).or_page(&visit)
}

fn sections(settings: Vec<api::ConfigSetting>) -> Vec<Section> {
    let mut sections: Vec<Section> = Vec::new();
    for setting in settings {
        let name = setting.key.rsplit_once('.').map_or("", |(above, _)| above);
        match sections.last_mut().filter(|section| section.name == name) {
            Some(section) => section.settings.push(setting),
            None => sections.push(Section {
                name: name.to_owned(),
                settings: vec![setting],
            }),
        }
    }
    sections
}
