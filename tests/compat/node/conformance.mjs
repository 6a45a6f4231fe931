// Dub's own TypeScript client against a running server; prints what it got as JSON.
import { Dub } from "dub";
import * as errors from "dub/models/errors";

const [, , serverURL, token, clickId, partnerId] = process.argv;
const dub = new Dub({ token, serverURL });
const got = {};

got.lead = await dub.track.lead({ clickId, eventName: "Sign up", customerExternalId: "u1", customerEmail: "kim@example.com" });
got.sale = await dub.track.sale({ customerExternalId: "u1", amount: 6200, currency: "usd", invoiceId: "in_1" });
got.again = await dub.track.sale({ customerExternalId: "u1", amount: 6200, currency: "usd", invoiceId: "in_1" });
got.link = await dub.links.create({ url: "https://shop.example/ts", externalId: "ts-1", partnerId });
got.updated = await dub.links.update("ext_ts-1", { url: "https://shop.example/ts2" });
got.upserted = await dub.links.upsert({ url: "https://shop.example/ts3", externalId: "ts-1", partnerId });
got.count = await dub.links.count({});
got.bulk = await dub.links.createMany([{ url: "https://shop.example/b1", partnerId }, { url: "https://evil.example/", partnerId }]);
got.links = [];
for await (const page of await dub.links.list({ pageSize: 2 })) got.links.push(...page.result.map((one) => one.id));
got.deleted = await dub.links.delete(got.link.id);
got.partner = await dub.partners.create({ email: "ts@partner.example", name: "TS", tenantId: "t-1" });
got.partners = (await dub.partners.list({})).length;
got.partnerLink = await dub.partners.createLink({ tenantId: "t-1", url: "https://shop.example/p" });
got.partnerLinks = (await dub.partners.retrieveLinks({ tenantId: "t-1" })).length;
got.partnerFigures = await dub.partners.analytics({ partnerId, groupBy: "count", interval: "7d" });
got.commissions = [];
for await (const page of await dub.commissions.list({ pageSize: 1 })) got.commissions.push(...page.result);
got.customers = [];
for await (const page of await dub.customers.list({ pageSize: 1 })) got.customers.push(...page.result);
got.customer = await dub.customers.get({ id: "ext_u1", includeExpandedFields: true });
got.payouts = await dub.payouts.list({});
got.analytics = {};
for (const groupBy of ["count", "timeseries", "countries", "devices", "browsers", "os", "referers", "top_links", "top_urls", "trigger"]) {
  got.analytics[groupBy] = await dub.analytics.retrieve({ groupBy, interval: "7d", event: "composite" });
}
got.events = {};
for (const event of ["clicks", "leads", "sales"]) got.events[event] = (await dub.events.list({ event, interval: "7d" })).length;
got.taken = await dub.commissions.update({ id: got.commissions.find((one) => one.type === "sale").id, requestBody: { status: "refunded" } });
got.domains = [];
for await (const page of await dub.domains.list({})) got.domains.push(...page.result.map((one) => one.slug));

const refused = async (call) => {
  try {
    await call();
    return "no error";
  } catch (error) {
    return error.constructor.name;
  }
};
got.errors = {
  notFound: await refused(() => dub.links.get({ linkId: "link_nope" })),
  badRequest: await refused(() => dub.track.lead({ clickId: "", eventName: "x", customerExternalId: "nobody" })),
  unauthorized: await refused(() => new Dub({ token: "dub_wrong", serverURL }).links.count({})),
  unprocessable: await refused(() => dub.track.sale({ customerExternalId: "u", amount: 5, currency: "xxx" })),
  forbidden: await refused(() => dub.tags.create({ name: "x" })),
};
console.log(JSON.stringify(got));
