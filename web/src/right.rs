//! The rights that calls need, as the OpenAPI document tells of them in `x-right`. Each is proved
//! by an extractor of [`rights`](crate::extract::rights), and the matrix of rights in the tests
//! holds both to it.

use serde::{Deserialize, Serialize};

/// What a caller must be, or may.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Right {
    /// No credentials are looked at.
    Open,
    /// Nothing.
    Anyone,
    /// Someone.
    Identified,
    /// Someone with all its rights.
    Unlimited,
    /// A superuser with all its rights.
    Superuser,
    /// To delete what is in the repository that a job is about, or to be a superuser with all its
    /// rights.
    JobReader,
    /// To be the one who was refused, or to read what the refusal is about.
    RefusalReader,
    /// To read the repository.
    RepositoryRead,
    /// To publish some package of the repository.
    RepositoryPublish,
    /// To delete what is in the repository.
    RepositoryDelete,
    /// To administer the repository.
    RepositoryAdminister,
    /// To read the package.
    PackageRead,
    /// To publish the package.
    PackageWrite,
    /// To delete the package.
    PackageDelete,
    /// To be the user that is meant, or a superuser.
    Oneself,
    /// The same, with all its rights.
    OneselfUnlimited,
    /// To be the robot that is meant, its owner, or a superuser.
    RobotOwner,
    /// To be the owner of the robot that is meant, with all its rights, or a superuser.
    RobotOwnerUnlimited,
    /// To ask about oneself, or to be a superuser.
    AboutOneself,
}

impl Right {
    /// A sentence for people.
    pub(crate) const fn sentence(self) -> &'static str {
        match self {
            Self::Open => "Open to everyone: no credentials are looked at.",
            Self::Anyone => "Anyone may call it; what is not theirs to see is not in the answer.",
            Self::Identified => {
                "Any user may call it; what is not theirs to see is not in the answer."
            }
            Self::Unlimited => {
                "Any user may call it, but not with a token that is limited to some repositories."
            }
            Self::Superuser => "Superusers may call it, but not with a limited token.",
            Self::JobReader => {
                "Superusers may call it, but not with a limited token; of a job that is about a \
                 repository so may whoever may delete anything there, as its maintainers."
            }
            Self::RefusalReader => {
                "Whoever was refused, or may read what the refusal is about, may call it; to others \
                 there is no such id."
            }
            Self::RepositoryRead => {
                "Whoever may read the repository may call it; to others there is no such repository."
            }
            Self::RepositoryPublish => "Whoever may publish the package that is sent may call it.",
            Self::RepositoryDelete => {
                "Whoever may delete anything in the repository, as its maintainers, may call it."
            }
            Self::RepositoryAdminister => "Whoever administers the repository may call it.",
            Self::PackageRead => {
                "Whoever may read the package may call it; to others there is no such package."
            }
            Self::PackageWrite => "Whoever may publish the package may call it.",
            Self::PackageDelete => "Whoever may delete the package may call it.",
            Self::Oneself => {
                "The user itself and superusers may call it; to others there is no such user."
            }
            Self::OneselfUnlimited => {
                "The user itself and superusers may call it, but not with a limited token; \
                 to others there is no such user."
            }
            Self::RobotOwner => {
                "The robot itself, its owner and superusers may call it; to others there is no such \
                 robot."
            }
            Self::RobotOwnerUnlimited => {
                "The owner of the robot and superusers may call it, but not with a limited token; to \
                 others there is no such robot."
            }
            Self::AboutOneself => "Anyone may ask about themselves, superusers about anyone.",
        }
    }

    /// The codes of the problems that come of it, besides those of wrong credentials.
    pub(crate) const fn codes(self) -> &'static [&'static str] {
        match self {
            Self::Open | Self::Anyone | Self::Identified | Self::RefusalReader => &[],
            Self::Unlimited | Self::Superuser | Self::JobReader | Self::AboutOneself => {
                &["not_allowed"]
            }
            Self::RepositoryRead => &["repository_not_found"],
            Self::RepositoryPublish | Self::RepositoryDelete | Self::RepositoryAdminister => {
                &["repository_not_found", "not_allowed"]
            }
            Self::PackageRead => &["repository_not_found", "package_not_found"],
            Self::PackageWrite | Self::PackageDelete => {
                &["repository_not_found", "package_not_found", "not_allowed"]
            }
            Self::Oneself => &["user_not_found"],
            Self::OneselfUnlimited => &["user_not_found", "not_allowed"],
            Self::RobotOwner => &["robot_not_found"],
            Self::RobotOwnerUnlimited => &["robot_not_found", "not_allowed"],
        }
    }

    /// Whether there are callers without credentials who hold it.
    pub(crate) const fn is_for_anonymous(self) -> bool {
        !matches!(
            self,
            Self::Identified
                | Self::Unlimited
                | Self::Superuser
                | Self::Oneself
                | Self::OneselfUnlimited
                | Self::RobotOwner
                | Self::RobotOwnerUnlimited
        )
    }
}
