//! What there is room for before anything is sent.

use crate::announced::{Announcement, Room};
use crate::{Error, Metadata};
use larder_model::{Digest, QuotaUnit, Shortage};

/// Of each quota with a limit on bytes: what is used, what unfinished uploads have staged, but for
/// one of them, and whether the repository has the digest.
pub(super) const ROOM: &str = "select q.id, coalesce(r.protocol || '/' || r.name, q.repositories), \
    case when q.repo is null then 1 else 0 end, q.max_bytes, q.bytes, \
    (select cast(coalesce(sum(u.received), 0) as bigint) from uploads u where u.finished = 0 \
    and u.id <> ?2 and u.repo in (select o.repo from quota_repos o where o.quota = q.id)), \
    case when exists (select 1 from quota_items i where i.repo = ?1 and i.kind = 'bytes' \
    and i.package = '' and i.name = ?3) then 1 else 0 end \
    from quota_repos p join quotas q on q.id = p.quota left join repos r on r.id = q.repo \
    where p.repo = ?1 and q.max_bytes is not null order by p.quota";

/// Bytes that a request is about to bring into a repository.
#[derive(Clone, Copy, Debug)]
pub struct ComingBytes<'a> {
    /// The repository.
    pub repo: i64,
    /// Their digest, where that is known.
    pub digest: Option<Digest>,
    /// How many there are in all.
    pub bytes: u64,
    /// The unfinished upload that they are of; empty: none.
    pub upload: &'a str,
}

impl Metadata {
    /// Holds room for bytes that a request is about to bring. [`Error::Quota`]: they do not fit.
    /// Nothing is held where the repository has the bytes.
    pub async fn announce(&self, coming: ComingBytes<'_>) -> Result<Option<Announcement>, Error> {
        let digest = coming.digest.map_or_else(String::new, |it| it.to_string());
        let values = [coming.repo.into(), coming.upload.into(), digest.into()];
        let (mut rooms, mut shortages) = (Vec::new(), Vec::new());
        for mut row in self.sql.rows(ROOM, &values).await? {
            if row.int(6)? != 0 {
                return Ok(None);
            }
            let shortage = Shortage {
                of: row.text(1)?,
                is_shared: row.int(2)? != 0,
                unit: QuotaUnit::Bytes,
                limit: row.count(3)?,
                used: row.count(4)?,
                held: row.count(5)?,
                wanted: coming.bytes,
            };
            rooms.push(Room {
                quota: row.int(0)?,
                left: shortage.left(),
            });
            shortages.push(shortage);
        }
        let announced = &self.announced;
        match announced.announce(&rooms, coming.repo, coming.digest, coming.bytes) {
            Ok(announcement) => Ok(Some(announcement)),
            Err((quota, held)) => {
                let both = rooms.iter().zip(shortages);
                let found = both.into_iter().find(|(room, _)| room.quota == quota);
                let mut shortage = found.map(|(_, shortage)| shortage).ok_or_else(|| {
                    Error::Shape("a quota that was not asked for refuses".to_owned())
                })?;
                shortage.held = shortage.held.saturating_add(held);
                Err(Error::Quota(shortage.into()))
            }
        }
    }
}
