// @ts-check
/**
 * Return the element of index.html with this ID.
 * @param {string} id
 * @returns {any}
 */
export const byId = (id) => document.getElementById(id);

/** Return the ID of the newest job on the page. */
export const shownJob = () => /** @type {HTMLElement | null} */ (document.querySelector("[data-job]"))?.dataset.job;
