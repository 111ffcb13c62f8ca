/** What the environment says; all of it is required. */
export const settings = {
  chromium: variable("CHROMIUM"),
  token: variable("TOKEN"),
  agentId: variable("AGENT_ID"),
  // Each way in knows a page that is a stranger to the other.
  ways: [
    {
      name: "direct",
      baseUrl: variable("DIRECT"),
      known: variable("DIRECT_ORIGIN"),
      strange: variable("ENVOY_ORIGIN"),
    },
    {
      name: "envoy",
      baseUrl: variable("ENVOY"),
      known: variable("ENVOY_ORIGIN"),
      strange: variable("DIRECT_ORIGIN"),
    },
  ],
};

function variable(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set`);
  return value;
}
