//! The menu: one entry for each screen that there is, for those who may use it.

use crate::language::Language;
use crate::visit::Visit;

/// Entries that belong together.
pub(crate) struct Group {
    pub(crate) label: &'static str,
    pub(crate) entries: Vec<Entry>,
}

/// A screen.
pub(crate) struct Entry {
    pub(crate) label: &'static str,
    pub(crate) path: &'static str,
    pub(crate) icon: &'static str,
    /// The letter that leads there after `g`.
    pub(crate) key: &'static str,
}

/// Who has an entry in the menu.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Who {
    Everyone,
    SignedIn,
    Superuser,
}

/// An entry: for whom, its words, where it leads, its icon, its letter.
type Line = (
    Who,
    fn(Language) -> &'static str,
    &'static str,
    &'static str,
    &'static str,
);

#[rustfmt::skip]
const BROWSE: &[Line] = &[
    (Who::Everyone, Language::menu_dashboard, "/", "layout-dashboard", "d"),
    (Who::Everyone, Language::menu_images, "/images", "container", "i"),
    (Who::Everyone, Language::menu_packages, "/packages", "package", "p"),
];
#[rustfmt::skip]
const USE: &[Line] = &[
    (Who::Everyone, Language::menu_connect, "/connect", "plug", "c"),
];
#[rustfmt::skip]
const OPERATE: &[Line] = &[
    (Who::SignedIn, Language::menu_upstreams, "/upstreams", "cloud", "u"),
    (Who::SignedIn, Language::menu_policies, "/policies", "shield", "o"),
    (Who::Superuser, Language::menu_cleanup, "/cleanup", "recycle", "l"),
    (Who::SignedIn, Language::menu_access, "/access", "users", "a"),
    (Who::Superuser, Language::menu_audit, "/audit", "scroll-text", "t"),
    (Who::Superuser, Language::menu_jobs, "/jobs", "list-checks", "j"),
    (Who::Superuser, Language::menu_system, "/system", "server", "s"),
];

/// What whoever looks sees of it.
pub(crate) fn for_visit(visit: &Visit) -> Vec<Group> {
    let t = visit.language();
    let groups = [
        (t.menu_browse(), BROWSE),
        (t.menu_use(), USE),
        (t.menu_operate(), OPERATE),
    ];
    let (is_superuser, is_someone) = (visit.is_superuser(), visit.user().is_some());
    let group = |(label, lines): (&'static str, &[Line])| {
        let seen = lines.iter().filter(|line| match line.0 {
            Who::Everyone => true,
            Who::SignedIn => is_someone,
            Who::Superuser => is_superuser,
        });
        let entry = |&(_, name, path, icon, key): &Line| Entry {
            label: name(t),
            path,
            icon,
            key,
        };
        Group {
            label,
            entries: seen.map(entry).collect(),
        }
    };
    let groups = groups.into_iter().map(group);
    groups.filter(|group| !group.entries.is_empty()).collect()
}
