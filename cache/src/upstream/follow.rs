//! A request with all that the upstream wants for it: redirects, and the answer to a challenge.

use super::failure::Trouble;
use super::hops::Arrival;
use super::remote::Upstream;
use super::request::FetchRequest;
use super::sending::Way;
use std::sync::Arc;
use url::Url;

impl Upstream {
    /// Asks, and asks again with a login if that is what the upstream wants.
    pub(super) async fn follow(
        self: &Arc<Self>,
        url: &Url,
        request: &FetchRequest<'_>,
    ) -> Result<Arrival, Trouble> {
        let way = Way {
            clients: &self.clients,
            regardless: false,
        };
        let login = self.first_login(request.image);
        let arrival = self.hop(way, url, request, login.as_ref()).await?;
        if !arrival.response.status().is_client_error() {
            return Ok(arrival);
        }
        self.identified(way, url, request, arrival).await
    }
}
