//! What answers a request, as metrics name it.

/// What answers a request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum DoorLabel {
    /// Hosted images.
    Registry,
    /// The REST API, and the page for logins.
    Api,
    /// The web GUI.
    Gui,
    /// Health, metrics, the CA.
    System,
    /// Packages, and images of mirrors.
    Packages,
    /// Git repositories.
    Git,
}

impl DoorLabel {
    pub(crate) const ALL: [Self; 6] = [
        Self::Registry,
        Self::Api,
        Self::Gui,
        Self::System,
        Self::Packages,
        Self::Git,
    ];

    /// Its word.
    pub(crate) const fn label(self) -> &'static str {
        match self {
            Self::Registry => "registry",
            Self::Api => "api",
            Self::Gui => "gui",
            Self::System => "system",
            Self::Packages => "packages",
            Self::Git => "git",
        }
    }
}
