//! Whether a message was said before: what its sender named, or numbered, and says again, is the same message
//! (`alibaba.md` §2.4; `tencent.md` §5.3, §8 A25).

use super::{Gid, Millis, Refusal, Tid, UserId, app::App, message::Draft, request::Said, tx::Tx};
use sha2::{Digest, Sha256};

/// What the same sender says again under the same number within this, in ms, is the same message.
const SAME_WITHIN: i64 = 300_000;

/// The same message, if it was said before: under the id that its sender gave it, or by its number. `stored` looks into
/// the store.
pub fn first(tx: &Tx, gid: Gid, sender: &UserId, draft: &Draft, stored: impl Fn(&Tid) -> Result<Option<Said>, Refusal>) -> Result<Option<Said>, Refusal> {
    let Some(group) = tx.state.group(gid) else { return Ok(None) };
    let app = tx.state.app(&group.config.app)?;
    let is_recent = |said: &Said| draft.tid.is_some() || (tx.now.0 - said.at.0).abs() < SAME_WITHIN;
    for tid in names(app, draft, sender, tx.now) {
        let remembered = group.recent.iter().find(|said| said.tid == tid).cloned();
        let said = remembered.map_or_else(|| stored(&tid), |said| Ok(Some(said)))?;
        if let Some(said) = said.filter(is_recent) {
            return Ok(Some(said));
        }
    }
    Ok(None)
}

/// The ids under which it may have been said, its own first; none where nothing tells it from others. What has a number is
/// named by its sender, the number, what it says and a stretch of time, so that a restart forgets nothing; and by the
/// application's key, so that no client can take the name before it is said.
fn names(app: &App, draft: &Draft, sender: &UserId, now: Millis) -> Vec<Tid> {
    if !draft.to.is_empty() {
        return Vec::new();
    }
    let (Some(random), None) = (draft.random, &draft.tid) else { return draft.tid.iter().cloned().collect() };
    let stretch = now.0.div_euclid(SAME_WITHIN);
    let name = |stretch: i64| {
        let mut hash = Sha256::new();
        hash.update((app.key.len() as u64).to_be_bytes());
        hash.update(&app.key);
        hash.update(random.to_be_bytes());
        hash.update(stretch.to_be_bytes());
        hash.update(draft.kind.to_be_bytes());
        for text in [sender.as_str(), &draft.body, draft.elements.as_deref().unwrap_or_default(), &draft.custom] {
            hash.update((text.len() as u64).to_be_bytes());
            hash.update(text);
        }
        Tid::trusted(&hash.finalize()[..16].iter().map(|byte| format!("{byte:02x}")).collect::<String>())
    };
    vec![name(stretch), name(stretch - 1)]
}

/// The id that it will have, if anything tells it from others. Given to it, it keeps it when it is rewritten.
pub fn name(app: &App, draft: &Draft, sender: &UserId, now: Millis) -> Option<Tid> {
    names(app, draft, sender, now).into_iter().next()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake;

    #[test]
    fn who_does_not_know_the_key_cannot_take_a_message_s_name_before_it_is_said() {
        let numbered = |body: &str| Draft { random: Some(1), ..Draft::text(body) };
        let named = |key: &str, draft: &Draft, at: i64| name(&App { key: key.into(), ..fake::app("demo") }, draft, &UserId::trusted("u"), Millis(at));
        let first = named("k", &numbered("x"), 0).unwrap();
        assert_eq!(named("k", &numbered("x"), SAME_WITHIN - 1).unwrap(), first);
        for (what, other) in [
            ("another key", named("l", &numbered("x"), 0)),
            ("another text", named("k", &numbered("y"), 0)),
            ("much later", named("k", &numbered("x"), SAME_WITHIN)),
            ("its sender's own id", named("k", &Draft { tid: Some(Tid::trusted("t")), ..numbered("x") }, 0)),
        ] {
            assert_ne!(other.unwrap(), first, "{what}");
        }
        assert_eq!(named("k", &Draft::text("x"), 0), None, "nothing tells it from others");
    }
}
