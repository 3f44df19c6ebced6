//! What the gate tells the audit trail by itself: logins, what someone was refused, and tokens that
//! are used from a new address.

use crate::denied::Asked;
use crate::gate::Gate;
use crate::noted_uses::Waiting;
use crate::principal::Principal;
use larder_metadata::Error;
use larder_metadata::audit::Event;
use larder_metadata::denied::DeniedRequest;
use larder_metadata::tokens::TokenUse;
use larder_model::{Action, Origin, Outcome, Permission, Problem, Subject, Timestamp};
use serde_json::json;
use std::net::IpAddr;

/// Characters of a claimed name in the log.
const LOGGED_NAME: usize = 100;

/// As much of a claimed name as the log has.
fn shown(object: &str) -> &str {
    let end = object.char_indices().nth(LOGGED_NAME);
    end.map_or(object, |(end, _)| &object[..end])
}

impl Gate {
    /// Tells the audit trail of a login: of a `user:NAME` as it was claimed, or of a `token`.
    pub(crate) fn note_login(&self, object: &str, outcome: Outcome, origin: &Origin) {
        if outcome != Outcome::Ok {
            let (outcome, login) = (outcome.word(), shown(object).escape_debug());
            let (address, request_id) = (origin.address, &*origin.request_id);
            self.count_failed_login();
            tracing::info!(%login, outcome, %address, request_id, "a login failed");
        }
        let actor = match outcome {
            Outcome::Ok => object.into(),
            Outcome::Refused | Outcome::Failed => Subject::Anonymous.to_string().into(),
        };
        let event = Event {
            actor,
            action: Action::Login,
            object: object.into(),
            outcome,
            address: Some(origin.address).filter(|address| !address.is_unspecified()),
            details: "{}".into(),
        };
        self.events().record(event, &origin.request_id);
    }

    /// Tells the audit trail that a caller was refused what it may not. A challenge to whoever
    /// showed no credentials is no refusal.
    pub fn note_refusal(
        &self,
        caller: &Principal,
        wanted: Option<&Permission>,
        problem: &Problem,
        origin: &Origin,
    ) {
        if caller.user.is_none() {
            return;
        }
        let object = wanted.map_or_else(String::new, |wanted| match &wanted.package {
            Some(package) => format!("{}/{package}", wanted.repository()),
            None => wanted.repository(),
        });
        let verb = wanted.map(|wanted| wanted.verb.word());
        let details = json!({"verb": verb, "status": problem.kind.status()});
        let event = Event {
            actor: (*caller.label).into(),
            action: Action::Access,
            object: object.into(),
            outcome: Outcome::Refused,
            address: Some(origin.address),
            details: details.to_string().into(),
        };
        self.events().record(event, &origin.request_id);
    }

    /// Notes what a rule refused a caller; the id under which that can be looked up. `None`: no rule
    /// did, or there are too many to tell them apart. Costs no IO.
    pub fn note_denied(
        &self,
        caller: &Principal,
        asked: &Asked<'_>,
        problem: &Problem,
        origin: &Origin,
    ) -> Option<Box<str>> {
        let ruling = problem.ruling.as_deref()?;
        let denied = DeniedRequest {
            seq: 0,
            id: Box::default(),
            last_at: self.metadata.now(),
            count: 0,
            actor: (*caller.label).into(),
            address: origin.address.to_string().into(),
            ..asked.denied(problem, ruling)?
        };
        self.denied.note(denied, || self.metadata.new_id())
    }

    /// What a rule refused under this id, on this server or another.
    pub async fn denied_request(&self, id: &str) -> Result<Option<DeniedRequest>, Error> {
        match self.denied.find(id) {
            Some(found) => Ok(Some(found)),
            None => self.metadata.denied_request(id).await,
        }
    }

    /// Writes down what rules refused since the last time. What could not be written is written the
    /// next time.
    pub async fn write_denied(&self) -> Result<(), Error> {
        self.denied.flush(&self.metadata).await
    }

    /// Notes that a token is used, if one was shown.
    pub(crate) fn note_use(&self, caller: &Principal, origin: &Origin) {
        if let Some(token) = caller.token {
            let now = self.metadata.now();
            self.token_uses.note(token, caller, origin, now);
        }
    }

    /// When and from where a token was used last here, if that is not written down yet.
    #[must_use]
    pub fn noted_use(&self, token: i64) -> Option<(Timestamp, IpAddr)> {
        self.token_uses.last_of(token)
    }

    /// Writes down what was noted since the last time: uses of tokens, and into the audit trail
    /// logins, refusals, and new addresses of tokens. What could not be written of events is written
    /// the next time.
    pub async fn write_events(&self) -> Result<(), Error> {
        let uses = self.write_token_uses().await;
        self.events().flush(&self.metadata).await?;
        uses
    }

    /// Writes down when and from where tokens were used since the last time. The audit trail is told
    /// of addresses from which a token was never used before.
    async fn write_token_uses(&self) -> Result<(), Error> {
        let waiting = self.token_uses.take();
        if waiting.is_empty() {
            return Ok(());
        }
        let of = |(&(token, address), waiting): (&(i64, IpAddr), &Waiting)| TokenUse {
            token,
            at: waiting.at,
            address,
        };
        let mut uses: Vec<TokenUse> = waiting.iter().map(of).collect();
        uses.sort_unstable_by_key(|used| (used.token, used.at)); // rows are locked in one order
        self.metadata.write_token_uses(&uses).await?;
        for used in uses {
            if !self.metadata.is_new_address(used).await? {
                continue;
            }
            let Some(by) = waiting.get(&(used.token, used.address)) else {
                continue;
            };
            let event = Event {
                actor: (*by.label).into(),
                action: Action::TokenUse,
                object: format!("token:{}", used.token).into(),
                outcome: Outcome::Ok,
                address: Some(used.address),
                details: "{}".into(),
            };
            self.events().record(event, &by.request_id);
        }
        Ok(())
    }
}
