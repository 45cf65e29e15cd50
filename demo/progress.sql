-- One line about the demo's campaign: what a progress bar needs.
SELECT state, bar, percent, total - queued - sending AS done, total, extract(epoch FROM eta - now())::int AS seconds_left
FROM rcs.campaign_progress WHERE campaign = rcs_campaign_id('demo');
