/** Of this action, as in package.json; it stands in every manifest. */
export const version = "0.1.0";
