//! Texts of the file, in the spelling that the API answers.

use larder_model::{Network, NotANetwork, NotASubject, Subject, UserName};

/// Declares a text that is checked, and brought into the API's spelling, when it is read.
macro_rules! text {
    ($(#[$doc:meta])* $type:ident, $read:path) => {
        $(#[$doc])*
        #[derive(
            Clone, PartialEq, Eq, PartialOrd, Ord, Debug, serde::Serialize, serde::Deserialize,
        )]
        #[serde(try_from = "String", into = "String")]
        pub(crate) struct $type(pub(crate) String);

        impl TryFrom<String> for $type {
            type Error = String;

            fn try_from(text: String) -> Result<Self, String> {
                $read(&text).map(Self)
            }
        }

        impl From<$type> for String {
            fn from(text: $type) -> Self {
                text.0
            }
        }
    };
}

text!(
    /// The subject of a grant: `user:alice`, `group:dev`, `robot:ci`, `authenticated`, `anonymous`.
    SubjectText, subject
);
text!(
    /// A member of a group: `user:alice` (or `alice`), `robot:ci`, `group:ops`.
    MemberText, member
);
text!(
    /// Who answers for a robot: `user:alice`, or `alice`.
    OwnerText, owner
);
text!(
    /// From where a grant to `anonymous` counts: `10.0.0.0/8`.
    NetworkText, network
);
text!(
    /// The address of an upstream, ending in a slash.
    Address, address
);

fn subject(text: &str) -> Result<String, String> {
    let forms = "a subject is user:NAME, group:NAME, robot:NAME, authenticated or anonymous";
    match text.parse::<Subject>() {
        Ok(subject) => Ok(subject.to_string()),
        Err(NotASubject::Form) => Err(forms.to_owned()),
        Err(NotASubject::Name(why)) => Err(format!("{forms}: {why}")),
    }
}

fn member(text: &str) -> Result<String, String> {
    match text.parse::<Subject>() {
        Ok(Subject::Authenticated | Subject::Anonymous) | Err(_) => {
            plain_user(text).ok_or_else(|| {
                "a member is a user's name, or user:NAME, robot:NAME, group:NAME".to_owned()
            })
        }
        Ok(subject) => Ok(subject.to_string()),
    }
}

fn owner(text: &str) -> Result<String, String> {
    match text.parse::<Subject>() {
        Ok(Subject::User(name)) => Ok(format!("user:{name}")),
        _ => plain_user(text)
            .ok_or_else(|| "the owner of a robot is a user, as user:NAME".to_owned()),
    }
}

/// A user that is meant by its name alone.
fn plain_user(text: &str) -> Option<String> {
    let name: UserName = text.parse().ok()?;
    Some(format!("user:{name}"))
}

fn network(text: &str) -> Result<String, String> {
    match text.parse::<Network>() {
        Ok(network) => Ok(network.to_string()),
        Err(NotANetwork::Malformed) => Err(format!(
            "{text} is no network; write e.g. 10.0.0.0/8, fd00::/8 or 192.0.2.7"
        )),
        Err(NotANetwork::Beyond(meant)) => Err(format!(
            "{text} says more than its prefix; the network is {meant}"
        )),
    }
}

fn address(text: &str) -> Result<String, String> {
    let rest = text
        .strip_prefix("https://")
        .or_else(|| text.strip_prefix("http://"))
        .ok_or("an address begins with https:// or http://")?;
    let authority = rest.split('/').next().unwrap_or_default();
    if authority.contains('@') {
        let advice = "an address holds no user and password; give username and password_env";
        return Err(advice.to_owned());
    }
    if authority.is_empty() {
        return Err("an address has a host".to_owned());
    }
    let end = if text.ends_with('/') { "" } else { "/" };
    Ok(format!("{text}{end}"))
}
