//! Subscriptions of channel events (`alibaba.md` §3.1): who is told of what, and where. What is
//! subscribed when an event is committed counts.

use super::{
    AppId, ChannelId, Millis, Refusal, SubscriptionId, UserId,
    event::{ChannelEvent, InChannel},
    quota,
    state::Change,
    tx::Tx,
};
use std::sync::Arc;

/// A subscription, as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscription {
    pub id: SubscriptionId,
    pub app: AppId,
    pub url: String,
    pub wants: Wants,
    pub created: Millis,
    pub modified: Millis,
    /// Orders the subscriptions of all applications by when they were made.
    pub order: u64,
}

/// Which events a subscription is about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wants {
    /// `None`: of all channels.
    pub channel: Option<ChannelId>,
    /// Of these users; empty: of all.
    pub users: Vec<UserId>,
    /// Open and close.
    pub channel_events: bool,
    /// What users do in it.
    pub user_events: bool,
}

impl Wants {
    pub fn includes(&self, event: &ChannelEvent) -> bool {
        self.channel.as_ref().is_none_or(|channel| *channel == event.channel)
            && match &event.what {
                InChannel::Opened | InChannel::Closed => self.channel_events,
                InChannel::User { user, .. } => self.user_events && (self.users.is_empty() || self.users.contains(user)),
            }
    }
}

/// `id` is fresh.
pub fn create(tx: &mut Tx, app: &AppId, id: SubscriptionId, url: String, wants: Wants) -> Result<(), Refusal> {
    tx.state.app(app)?;
    let most = tx.rules.quotas.subscriptions_per_app;
    if !quota::room(tx.state.subscriptions_of(app).len(), most) {
        return Err(Refusal::TooManySubscriptions(most));
    }
    room_for(tx, app, None, &wants)?;
    let subscription = Subscription { id, app: app.clone(), url, wants, created: tx.now, modified: tx.now, order: tx.state.next_order() };
    tx.change(Change::Subscription(Arc::new(subscription)));
    Ok(())
}

/// Everything but its id and its age becomes what is given.
pub fn update(tx: &mut Tx, app: &AppId, id: &SubscriptionId, url: String, wants: Wants) -> Result<(), Refusal> {
    let old = find(tx, app, id)?;
    room_for(tx, app, Some(id), &wants)?;
    tx.change(Change::Subscription(Arc::new(Subscription { url, wants, modified: tx.now, ..(*old).clone() })));
    Ok(())
}

/// Events that happened before and wait are not sent any more.
pub fn delete(tx: &mut Tx, app: &AppId, id: &SubscriptionId) -> Result<(), Refusal> {
    find(tx, app, id)?;
    tx.change(Change::SubscriptionGone(app.clone(), id.clone()));
    Ok(())
}

fn find(tx: &Tx, app: &AppId, id: &SubscriptionId) -> Result<Arc<Subscription>, Refusal> {
    tx.state.app(app)?;
    tx.state.subscription(app, id).cloned().ok_or_else(|| Refusal::NoSuchSubscription(id.to_string()))
}

/// Of those for all channels there may be fewer. `but`: is not counted.
fn room_for(tx: &Tx, app: &AppId, but: Option<&SubscriptionId>, wants: &Wants) -> Result<(), Refusal> {
    let most = tx.rules.quotas.all_channel_subscriptions_per_app;
    let all = tx.state.subscriptions_of(app).iter().filter(|s| s.wants.channel.is_none() && Some(&s.id) != but).count();
    if wants.channel.is_none() && !quota::room(all, most) { Err(Refusal::TooManyForAllChannels(most)) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{
        StayId,
        event::{Reason, UserInChannel},
        participant::{Medias, Role},
    };

    #[test]
    fn what_a_subscription_is_about() {
        let event = |channel: &str, user: Option<&str>| {
            let what = match user {
                None => InChannel::Opened,
                Some(user) => InChannel::User {
                    user: UserId::trusted(user),
                    stay: StayId::trusted("s"),
                    role: Role::Viewer,
                    medias: Medias::default(),
                    what: UserInChannel::Joined(Reason::Normal),
                },
            };
            ChannelEvent { app: AppId::trusted("a"), channel: ChannelId::trusted(channel), at: Millis(0), what }
        };
        let wants = |channel: Option<&str>, users: &[&str], channel_events, user_events| Wants {
            channel: channel.map(ChannelId::trusted),
            users: users.iter().map(|user| UserId::trusted(user)).collect(),
            channel_events,
            user_events,
        };
        for (wants, channel, user, expected) in [
            (wants(None, &[], true, true), "c", None, true),
            (wants(None, &[], true, true), "c", Some("u"), true),
            (wants(None, &[], false, true), "c", None, false),
            (wants(None, &[], true, false), "c", Some("u"), false),
            (wants(Some("c"), &[], true, true), "c", Some("u"), true),
            (wants(Some("d"), &[], true, true), "c", Some("u"), false),
            (wants(Some("d"), &[], true, true), "c", None, false),
            (wants(Some("c"), &["v", "u"], true, true), "c", Some("u"), true),
            (wants(Some("c"), &["v"], true, true), "c", Some("u"), false),
            // Users narrow what users do, not what the channel does.
            (wants(Some("c"), &["v"], true, true), "c", None, true),
        ] {
            assert_eq!(wants.includes(&event(channel, user)), expected, "{wants:?} {channel} {user:?}");
        }
    }
}
